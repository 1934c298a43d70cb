//! Messages on their way out.

use bytes::Bytes;
use tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::compress::Compressor;

/// Compresses messages, where that was agreed on (RFC 7692 §7.2.1).
#[derive(Debug)]
pub(crate) struct Outbound(Option<Box<State>>);

#[derive(Debug)]
struct State {
    compressor: Compressor,
    threshold: usize,
}

impl Outbound {
    /// `compressor` comes with the size in bytes below which a message stays as it is.
    pub(super) fn new(compressor: Option<(Compressor, usize)>) -> Self {
        Self(compressor.map(|(compressor, threshold)| Box::new(State { compressor, threshold })))
    }

    /// The message as it goes out: in one compressed frame, or as it is.
    ///
    /// Messages must go out in the order in which they come here.
    pub(crate) fn compress(&mut self, message: Message) -> Message {
        let Some(state) = &mut self.0 else { return message };
        let (opcode, payload) = match &message {
            Message::Text(text) => (Data::Text, text.as_bytes()),
            Message::Binary(bytes) => (Data::Binary, &bytes[..]),
            _ => return message,
        };
        if payload.len() < state.threshold {
            return message;
        }
        match state.compressor.compress(payload) {
            Some(compressed) => Message::Frame(frame(compressed.into(), opcode)),
            None => message,
        }
    }
}

fn frame(payload: Bytes, opcode: Data) -> Frame {
    let mut frame = Frame::message(payload, OpCode::Data(opcode), true);
    frame.header_mut().rsv1 = true;
    frame
}

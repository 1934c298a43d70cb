//! Outgoing control frames (RFC 6455 §5.5).

use bytes::Bytes;
use tungstenite::protocol::{
    CloseFrame,
    frame::{FrameHeader, coding},
};

use super::{
    close, header,
    mask::{Key, Mask},
};

/// A control frame to send. A payload that is too long for a control frame is truncated.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    /// A ping.
    Ping(Bytes),
    /// A pong.
    Pong(Bytes),
    /// A frame of the closing handshake.
    Close(Option<CloseFrame>),
}

impl Control {
    /// Appends the frame, masked with `key` if there is one.
    pub(super) fn write(&self, output: &mut Vec<u8>, key: Option<Key>) {
        match self {
            Self::Ping(payload) => write(output, coding::Control::Ping, payload, key),
            Self::Pong(payload) => write(output, coding::Control::Pong, payload, key),
            Self::Close(frame) => write_close(output, frame.as_ref(), key),
        }
    }
}

/// Appends a Close frame.
pub(super) fn write_close(output: &mut Vec<u8>, frame: Option<&CloseFrame>, key: Option<Key>) {
    header::write(output, first(coding::Control::Close), close::len(frame), key);
    let start = output.len();
    close::write(output, frame);
    mask(&mut output[start..], key);
}

fn write(output: &mut Vec<u8>, opcode: coding::Control, payload: &[u8], key: Option<Key>) {
    let payload = &payload[..payload.len().min(header::MAX_CONTROL)];
    header::write(output, first(opcode), payload.len(), key);
    let start = output.len();
    output.extend_from_slice(payload);
    mask(&mut output[start..], key);
}

fn mask(payload: &mut [u8], key: Option<Key>) {
    if let Some(key) = key {
        Mask::new(key).apply(payload);
    }
}

fn first(opcode: coding::Control) -> u8 {
    header::first_byte(&FrameHeader { opcode: coding::OpCode::Control(opcode), ..FrameHeader::default() })
}

//! Outgoing control frames (RFC 6455 §5.5).

use bytes::Bytes;
use tungstenite::protocol::{
    CloseFrame,
    frame::{FrameHeader, coding},
};

use super::{
    close,
    frame::write_frame,
    header::{self, MAX_CONTROL},
    mask::Key,
};

/// A ping or pong to send. A payload that is too long for a control frame is truncated.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    Ping(Bytes),
    Pong(Bytes),
}

impl Control {
    /// Appends the frame, masked with `key` if there is one.
    pub(super) fn write(&self, output: &mut Vec<u8>, key: Option<Key>) {
        match self {
            Self::Ping(payload) => write(output, coding::Control::Ping, payload, key),
            Self::Pong(payload) => write(output, coding::Control::Pong, payload, key),
        }
    }
}

/// Appends a Close frame.
pub(super) fn write_close(output: &mut Vec<u8>, frame: Option<&CloseFrame>, key: Option<Key>) {
    write(output, coding::Control::Close, close::write(&mut [0; MAX_CONTROL], frame), key);
}

fn write(output: &mut Vec<u8>, opcode: coding::Control, payload: &[u8], key: Option<Key>) {
    let payload = &payload[..payload.len().min(MAX_CONTROL)];
    let header = FrameHeader { opcode: coding::OpCode::Control(opcode), ..FrameHeader::default() };
    write_frame(output, header::first_byte(&header), payload, key);
}

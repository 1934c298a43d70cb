//! A large message on its way out, in fragments (RFC 6455 §5.4).

use bytes::Bytes;
use tungstenite::{
    Message,
    protocol::frame::{
        Frame, FrameHeader,
        coding::{Data, OpCode},
    },
};

/// A large message on its way out, in fragments of [`SIZE`](Self::SIZE) bytes.
///
/// tungstenite copies each frame into a buffer that never shrinks, and shifts that buffer after each write that
/// the IO takes only a part of; between fragments a ping can overtake.
#[derive(Debug)]
pub(super) struct Fragments {
    opcode: Data,
    /// Whether they are of a compressed message, which the first one tells (RFC 7692 §6).
    rsv1: bool,
    rest: Bytes,
}

impl Fragments {
    /// The largest payload that leaves as one frame.
    pub(super) const SIZE: usize = 64 * 1024;

    /// Takes a message that is too large for one frame; others come back.
    pub(super) fn new(message: Message) -> Result<Self, Message> {
        match message {
            Message::Text(text) if text.len() > Self::SIZE => {
                Ok(Self { opcode: Data::Text, rsv1: false, rest: text.into() })
            }
            Message::Binary(rest) if rest.len() > Self::SIZE => {
                Ok(Self { opcode: Data::Binary, rsv1: false, rest })
            }
            Message::Frame(frame) if frame.payload().len() > Self::SIZE => match *frame.header() {
                FrameHeader { rsv1: true, is_final: true, opcode: OpCode::Data(opcode), .. } => {
                    Ok(Self { opcode, rsv1: true, rest: frame.into_payload() })
                }
                _ => Err(Message::Frame(frame)),
            },
            message => Err(message),
        }
    }

    /// The next fragment. The last one is followed by `None`.
    pub(super) fn next(&mut self) -> Option<Message> {
        if self.rest.is_empty() {
            return None;
        }
        let payload = self.rest.split_to(self.rest.len().min(Self::SIZE));
        let opcode = std::mem::replace(&mut self.opcode, Data::Continue);
        let mut frame = Frame::message(payload, OpCode::Data(opcode), self.rest.is_empty());
        frame.header_mut().rsv1 = std::mem::take(&mut self.rsv1);
        Some(Message::Frame(frame))
    }
}

#[cfg(test)]
mod tests {
    use tungstenite::{
        Message,
        protocol::frame::coding::{Data, OpCode},
    };

    use super::Fragments;

    #[test]
    fn only_large_messages_are_fragmented() {
        for message in [
            Message::text(""),
            Message::text("x".repeat(Fragments::SIZE)),
            Message::binary(vec![0; Fragments::SIZE]),
            Message::Ping(vec![0; 125].into()),
            Message::Close(None),
        ] {
            assert_eq!(Fragments::new(message.clone()).unwrap_err(), message);
        }
    }

    #[test]
    fn the_fragments_make_up_the_message() {
        let size = Fragments::SIZE;
        for (len, expected) in [(size + 1, 2), (2 * size, 2), (2 * size + 1, 3)] {
            let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let mut fragments = Fragments::new(Message::binary(payload.clone())).unwrap();
            let mut joined = Vec::new();
            let mut count = 0;
            while let Some(Message::Frame(frame)) = fragments.next() {
                let opcode = if count == 0 { Data::Binary } else { Data::Continue };
                assert_eq!(frame.header().opcode, OpCode::Data(opcode));
                joined.extend_from_slice(frame.payload());
                count += 1;
                assert_eq!(frame.header().is_final, joined.len() == len);
            }
            assert_eq!((joined, count), (payload, expected));
        }
    }
}

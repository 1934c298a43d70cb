//! A message that arrives in pieces and is received whole.

use tungstenite::{
    Error, Message,
    error::CapacityError,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

/// The beginning of a message that arrives in pieces and is received whole.
#[derive(Debug)]
pub(super) struct Gathered {
    kind: OpCode,
    bytes: Vec<u8>,
}

impl Gathered {
    /// Appends a piece to a message. Returns the message once it is complete.
    pub(super) fn push(
        gathered: &mut Option<Box<Self>>,
        piece: &Frame,
        max_message_size: usize,
    ) -> Result<Option<Message>, Error> {
        let kind = piece.header().opcode;
        let mut message = gathered.take().unwrap_or_else(|| Box::new(Self { kind, bytes: Vec::new() }));
        let size = message.bytes.len() + piece.payload().len();
        if size > max_message_size {
            return Err(CapacityError::MessageTooLong { size, max_size: max_message_size }.into());
        }
        message.bytes.extend_from_slice(piece.payload());
        if piece.header().is_final {
            return Ok(Some(message.finish()));
        }
        *gathered = Some(message);
        Ok(None)
    }

    /// Returns the data so far as the first piece of the message.
    pub(super) fn into_piece(self) -> Frame {
        Frame::message(self.bytes, self.kind, false)
    }

    fn finish(mut self) -> Message {
        self.bytes.shrink_to_fit();
        match self.kind {
            OpCode::Data(Data::Text) => {
                Message::text(String::from_utf8(self.bytes).expect("each piece was checked"))
            }
            _ => Message::binary(self.bytes),
        }
    }
}

#[cfg(test)]
mod tests;

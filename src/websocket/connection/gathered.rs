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
mod tests {
    use tungstenite::{
        Error, Message,
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    };

    use super::Gathered;

    fn piece(kind: Data, payload: &'static str, is_final: bool) -> Frame {
        Frame::message(payload, OpCode::Data(kind), is_final)
    }

    #[test]
    fn pieces_are_joined_to_a_message_of_the_first_pieces_kind() {
        for (kind, expected) in
            [(Data::Text, Message::text("aäb")), (Data::Binary, Message::binary("aäb".as_bytes()))]
        {
            let mut gathered = None;
            assert_eq!(Gathered::push(&mut gathered, &piece(kind, "aä", false), 4).unwrap(), None);
            let last = piece(Data::Continue, "b", true);
            assert_eq!(Gathered::push(&mut gathered, &last, 4).unwrap(), Some(expected));
            assert!(gathered.is_none());
        }
    }

    #[test]
    fn size_limit_applies_to_the_sum_of_all_pieces() {
        let mut gathered = None;
        Gathered::push(&mut gathered, &piece(Data::Binary, "abc", false), 4).unwrap();
        let error = Gathered::push(&mut gathered, &piece(Data::Continue, "de", true), 4).unwrap_err();
        assert!(matches!(error, Error::Capacity(_)) && gathered.is_none());
    }
}

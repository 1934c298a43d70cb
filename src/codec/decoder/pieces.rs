//! Messages that are returned in pieces as they arrive.

use bytes::Bytes;
use tungstenite::{
    Error, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::Decoder;
use crate::codec::{assembler::MessageKind, limits::Limits};

impl Decoder {
    /// Returns messages in pieces as they arrive from now on. Messages and frames then have no
    /// limit, because at most one piece is held. A message that arrives all at once is still
    /// returned whole.
    pub(crate) fn give_pieces(&mut self) {
        self.in_pieces = true;
        self.limits = Limits { max_message_size: usize::MAX, max_frame_size: usize::MAX };
        if let Some(frame) = &mut self.frame {
            frame.room = usize::MAX;
        }
    }

    /// Returns the data that has arrived as a piece of the message, if there is data or the message
    /// ends. `is_over` means that the payload of the frame has been handled.
    pub(super) fn piece(&mut self, is_over: bool) -> Result<Option<Message>, Error> {
        let is_last = is_over && self.frame.as_ref().is_some_and(|frame| frame.is_final);
        if is_over {
            self.frame = None;
        }
        let payload = match self.message.take() {
            None => Bytes::new(),
            Some(message) if is_last => message.finish()?.into_data(),
            // The assembler is kept for an incomplete character, and to indicate that the message
            // is incomplete.
            Some(message) => self.message.insert(message).take(),
        };
        let Some(open) = self.open.as_mut().filter(|_| is_last || !payload.is_empty()) else {
            return Ok(None);
        };
        let opcode = match (open.is_begun, open.kind) {
            (true, _) => Data::Continue,
            (false, MessageKind::Text) => Data::Text,
            (false, MessageKind::Binary) => Data::Binary,
        };
        open.is_begun = true;
        if is_last {
            self.open = None;
        }
        Ok(Some(Message::Frame(Frame::message(payload, OpCode::Data(opcode), is_last))))
    }
}

#[cfg(test)]
mod tests;

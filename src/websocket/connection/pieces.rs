//! Messages that are received and sent in pieces.

use std::{
    io,
    task::{Poll, ready},
};

use tungstenite::{
    Error, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::{deferred::Deferred, state::Connection};
use crate::deflate::Deflater;

/// The largest payload of a frame of a message that is sent in chunks, unless a limit is
/// configured.
const MAX_CHUNK: usize = 64 * 1024;

impl<IO> Connection<IO> {
    /// Receives messages in pieces from now on, without a size limit.
    pub(in crate::websocket) fn receive_in_pieces(&mut self) {
        self.terms.is_in_pieces = true;
    }

    /// Returns the first piece of the next text or binary message, or the whole message if messages
    /// are received whole.
    pub(in crate::websocket) fn poll_first_piece(
        &mut self,
        deferred: &mut Deferred,
    ) -> Poll<Option<Result<Frame, Error>>> {
        // An earlier receive operation has begun to receive the message whole.
        if let Some(piece) = self.inbox.take_gathered() {
            return Poll::Ready(Some(Ok(piece)));
        }
        loop {
            let piece = match ready!(self.poll_received(deferred)) {
                Some(Ok(Message::Text(text))) => Frame::message(text, OpCode::Data(Data::Text), true),
                Some(Ok(Message::Binary(payload))) => {
                    Frame::message(payload, OpCode::Data(Data::Binary), true)
                }
                Some(Ok(Message::Frame(piece))) => piece,
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            };
            return Poll::Ready(Some(Ok(piece)));
        }
    }

    /// Returns the next piece of an incomplete message. The end of the connection is an error here.
    pub(in crate::websocket) fn poll_next_piece(
        &mut self,
        deferred: &mut Deferred,
    ) -> Poll<Result<Frame, Error>> {
        loop {
            return Poll::Ready(match ready!(self.poll_received(deferred)) {
                Some(Ok(Message::Frame(piece))) => Ok(piece),
                Some(Ok(Message::Close(_))) | None => {
                    let text = "the connection ended within a message";
                    Err(io::Error::new(io::ErrorKind::UnexpectedEof, text).into())
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => Err(error),
            });
        }
    }

    /// Returns the largest payload of a frame of a message that is sent in chunks.
    pub(in crate::websocket) fn max_chunk(&self) -> usize {
        let config = &self.terms.config;
        config.max_outgoing_frame_size.unwrap_or(MAX_CHUNK).min(config.max_write_buffer_size)
    }

    /// Takes the compressor, if there is one, for a message that is sent in chunks.
    pub(in crate::websocket) fn begin_pieces(&mut self) -> Option<Deflater> {
        if !self.terms.is_compressed {
            return None;
        }
        let mut compressor = self.outbox.take_compressor()?;
        compressor.begin_pieces();
        Some(compressor)
    }

    /// Counts a chunk that is sent.
    pub(in crate::websocket) fn count_chunk(&mut self, is_first: bool, len: usize) {
        self.terms.meter.sent_bytes(is_first.into(), len);
    }

    /// Skips the rest of a message that is being received in pieces.
    pub(in crate::websocket) fn skip_message(&mut self) {
        self.inbox.skip_message();
    }
}

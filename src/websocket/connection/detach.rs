//! Taking the IO out of a connection.

use std::task::Poll;

use tungstenite::{
    Message,
    protocol::{
        Role,
        frame::{
            Frame, FrameHeader,
            coding::{Data, OpCode},
        },
    },
};

use super::{deferred::Deferred, lifecycle::Input, link::Link, state::Connection};

/// The reason why the IO cannot be taken out of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::websocket) enum Attached {
    /// The connection is closing or closed.
    Closing,
    /// Compression was negotiated.
    Compressed,
    /// Part of a message has arrived.
    InsideMessage,
}

impl<IO> Connection<IO> {
    /// Takes the link out once everything that was sent is written. The connection does nothing
    /// after that.
    pub(super) fn poll_detach(&mut self, deferred: &mut Deferred) -> Poll<Result<Box<Link<IO>>, Attached>> {
        if !self.lifecycle.is_open() {
            return Poll::Ready(Err(Attached::Closing));
        }
        if self.terms.is_compressed {
            return Poll::Ready(Err(Attached::Compressed));
        }
        let Some(link) = &self.slot.link else {
            self.slot.is_wanted = true;
            return Poll::Pending;
        };
        if self.outbox.has_output() {
            return Poll::Pending;
        }
        if !link.is_at_rest() {
            return Poll::Ready(Err(Attached::InsideMessage));
        }
        let link = self.slot.link.take().ok_or(Attached::Closing);
        self.handle(Input::Detach, deferred);
        Poll::Ready(link)
    }

    /// Returns the messages that the application has not taken yet, as frames. These may differ
    /// from the frames in which the messages arrived.
    pub(super) fn take_received(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let gathered = self.inbox.take_gathered().map(Message::Frame);
        for message in gathered.into_iter().chain(self.inbox.clear()) {
            if self.inbox.skip(&message) {
                continue;
            }
            let frame = match message {
                Message::Text(text) => Frame::message(text, OpCode::Data(Data::Text), true),
                Message::Binary(payload) => Frame::message(payload, OpCode::Data(Data::Binary), true),
                Message::Pong(payload) => Frame::pong(payload),
                Message::Frame(piece) => piece,
                // Pings were already answered, and a Close would have ended the connection.
                Message::Ping(_) | Message::Close(_) => continue,
            };
            let mask = (self.terms.role == Role::Server).then_some([0; 4]);
            write(frame, self.terms.config.max_frame_size, mask, &mut bytes);
        }
        bytes
    }
}

/// Appends a frame, in fragments if its payload is larger than `max`.
fn write(frame: Frame, max: usize, mask: Option<[u8; 4]>, bytes: &mut Vec<u8>) {
    let FrameHeader { is_final, mut opcode, .. } = *frame.header();
    let mut payload = frame.into_payload();
    let max = if matches!(opcode, OpCode::Data(_)) { max } else { payload.len() };
    loop {
        let part = payload.split_to(payload.len().min(max));
        let is_last = payload.is_empty();
        let header = FrameHeader { is_final: is_final && is_last, opcode, mask, ..FrameHeader::default() };
        // Writing to a vector does not fail.
        let _ = Frame::from_payload(header, part).format(bytes);
        if is_last {
            return;
        }
        opcode = OpCode::Data(Data::Continue);
    }
}

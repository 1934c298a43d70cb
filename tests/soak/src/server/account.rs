//! The record of one connection, reported at its end.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tower_websocket::{Message, close::CloseInfo};

use super::output::Output;
use crate::{
    filling,
    message::{self, Ask},
    record::{How, Record},
    rng::Rng,
};

/// The record of one connection. It is reported when it is dropped, for any reason.
#[derive(Debug)]
pub(super) struct Account {
    record: Record,
    sent: Sent,
    output: Output,
}

/// The sent messages. Another task may send them.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    id: u64,
    count: Arc<AtomicU64>,
    rng: Rng,
}

impl Account {
    pub(super) fn new(id: u64, output: Output) -> Self {
        let record = Record { id, up: 0, down: 0, code: 0, how: How::Dropped, fault: None };
        let sent = Sent { id, count: Arc::default(), rng: Rng::new(id, 3) };
        Self { record, sent, output }
    }

    /// Checks a message and returns its request. Returns `None` for an invalid message, which ends
    /// the connection.
    pub(super) fn received(&mut self, message: &Message) -> Option<Ask> {
        let (payload, is_text) = match message {
            Message::Text(text) => (text.as_bytes(), true),
            Message::Binary(bytes) => (&bytes[..], false),
            _ => return Some(Ask::Nothing),
        };
        match message::decode(self.record.id, self.record.up, is_text, payload) {
            Ok(ask) => {
                self.record.up += 1;
                Some(ask)
            }
            Err(fault) => {
                self.record.fault = Some(fault);
                None
            }
        }
    }

    pub(super) fn sent(&self) -> Sent {
        self.sent.clone()
    }

    pub(super) fn ended(&mut self, how: How, ended: Option<CloseInfo>) {
        self.record.how = how;
        self.record.code = ended.map_or(0, |ended| ended.code());
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.record.down = self.sent.count.load(Ordering::Acquire);
        self.output.say(format!("end {}", self.record.to_line()));
    }
}

impl Sent {
    /// Returns the next message, of about this size.
    pub(super) fn next(&mut self, size: u32, is_text: bool) -> Message {
        let seq = self.count.load(Ordering::Acquire);
        let size = size as usize;
        if is_text {
            let filling = filling::text(&mut self.rng, size).as_bytes();
            let payload = message::encode(self.id, seq, Ask::Nothing, true, filling);
            Message::text(String::from_utf8(payload).expect("digits and text"))
        } else {
            let filling = filling::bytes(&mut self.rng, size);
            Message::binary(message::encode(self.id, seq, Ask::Nothing, false, filling))
        }
    }

    /// Counts a message that `send` has reported as sent.
    pub(super) fn count(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
    }
}

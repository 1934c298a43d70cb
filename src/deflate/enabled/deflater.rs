//! Compressing the messages of one connection, where that was agreed on.

use std::io;

use bytes::Bytes;
use tungstenite::{Message, protocol::frame::coding::Data};

use super::{Standalone, compress::Compressor, payload::payload_of};

/// Compresses messages, where that was agreed on (RFC 7692 §7.2.1).
#[derive(Debug)]
pub(crate) struct Deflater(Option<Box<State>>);

#[derive(Debug)]
struct State {
    compressor: Compressor,
    threshold: usize,
}

impl Deflater {
    /// `compressor` comes with the size in bytes below which a message stays as it is.
    pub(super) fn new(compressor: Option<(Compressor, usize)>) -> Self {
        Self(compressor.map(|(compressor, threshold)| Box::new(State { compressor, threshold })))
    }

    /// Returns how each message is compressed by itself, if it is.
    pub(crate) fn standalone(&self) -> Option<Standalone> {
        let State { compressor, threshold } = &**self.0.as_ref()?;
        Some(Standalone { key: compressor.standalone()?, threshold: *threshold })
    }

    /// Whether [`compress`](Self::compress) may make a message smaller.
    pub(crate) fn applies(&self, message: &Message) -> bool {
        let Some(state) = &self.0 else { return false };
        payload_of(message).is_some_and(|(_, payload)| payload.len() >= state.threshold)
    }

    /// Compresses a message; `None` when it goes out as it is.
    ///
    /// Messages must go out in the order in which they come here.
    pub(crate) fn compress(&mut self, message: &Message) -> Option<(Data, Bytes)> {
        let state = self.0.as_mut()?;
        let (opcode, payload) =
            payload_of(message).filter(|(_, payload)| payload.len() >= state.threshold)?;
        Some((opcode, state.compressor.compress(payload)?.into()))
    }

    /// Begins a message that is compressed in pieces.
    pub(crate) fn begin_pieces(&mut self) {
        if let Some(state) = &mut self.0 {
            state.compressor.begin_pieces();
        }
    }

    /// Compresses a piece of the message, up to the end of a byte.
    pub(crate) fn compress_piece(&mut self, piece: &[u8]) -> io::Result<Bytes> {
        let compressed = self.0.as_mut().and_then(|state| state.compressor.piece(piece));
        compressed.map(Bytes::from).ok_or_else(|| io::Error::other("a message could not be compressed"))
    }

    /// Returns what the message ends with.
    pub(crate) fn end_pieces(&mut self) -> &'static [u8] {
        if let Some(state) = &mut self.0 {
            state.compressor.end_pieces();
        }
        &LAST
    }

    /// Forgets what was compressed: the next message refers to nothing before it.
    pub(crate) fn forget(&mut self) {
        if let Some(state) = &mut self.0 {
            state.compressor.forget();
        }
    }
}

/// The last byte of a message whose pieces were flushed: with the [`TAIL`](super::pool::TAIL) that
/// the peer puts behind it, it is a block of nothing (RFC 7692 §7.2.3.6).
const LAST: [u8; 1] = [0];

#[cfg(test)]
mod tests {
    use tungstenite::{Message, protocol::frame::coding::Data};

    use super::{Compressor, Deflater};

    #[test]
    fn only_data_from_the_threshold_on_is_compressed() {
        let mut deflater = Deflater::new(Some((Compressor::new(false, 1, 15), 100)));
        for (message, expected) in [
            (Message::text("x".repeat(100)), Some(Data::Text)),
            (Message::binary(vec![0; 100]), Some(Data::Binary)),
            (Message::text("x".repeat(99)), None),
            (Message::Ping(vec![0; 100].into()), None),
            (Message::Pong(vec![0; 100].into()), None),
            (Message::Close(None), None),
        ] {
            assert_eq!(deflater.applies(&message), expected.is_some(), "{message:?}");
            let compressed = deflater.compress(&message);
            assert_eq!(compressed.as_ref().map(|(opcode, _)| *opcode), expected);
            assert!(compressed.is_none_or(|(_, payload)| payload.len() < 100));
        }
        let mut off = Deflater::new(None);
        let message = Message::text("x".repeat(1000));
        assert!(!off.applies(&message) && off.compress(&message).is_none());
    }

    #[test]
    fn what_is_compressed_for_many_is_what_each_would_send() {
        let message = Message::text("a message of some length, ".repeat(20));
        for (level, window_bits) in [(1, 15), (6, 9), (9, 12)] {
            let mut deflater = Deflater::new(Some((Compressor::new(false, level, window_bits), 100)));
            let standalone = deflater.standalone().unwrap();
            assert!(standalone.applies(&message) && !standalone.applies(&Message::text("short")));
            let compressed = standalone.compress(&message);
            assert!(compressed.is_some() && compressed == deflater.compress(&message));
        }
        assert_eq!(Deflater::new(Some((Compressor::new(true, 1, 15), 100))).standalone(), None);
        assert_eq!(Deflater::new(None).standalone(), None);
    }

    #[test]
    fn another_thread_may_compress() {
        fn is_send<T: Send>() {}
        is_send::<Deflater>();
    }
}

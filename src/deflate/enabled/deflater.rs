//! Compression of the messages of one connection, if it was negotiated.

use std::io;

use bytes::Bytes;
use tungstenite::{Message, protocol::frame::coding::Data};

use super::{Standalone, compress::Compressor, payload::payload_of};

/// Compresses messages if compression was negotiated (RFC 7692 §7.2.1).
#[derive(Debug)]
pub(crate) struct Deflater(Option<Box<State>>);

#[derive(Debug)]
struct State {
    compressor: Compressor,
    threshold: usize,
}

impl Deflater {
    /// `compressor` contains the size in bytes below which messages are not compressed.
    pub(super) fn new(compressor: Option<(Compressor, usize)>) -> Self {
        Self(compressor.map(|(compressor, threshold)| Box::new(State { compressor, threshold })))
    }

    /// Returns how each message is compressed by itself, or `None` if they are not.
    pub(crate) fn standalone(&self) -> Option<Standalone> {
        let State { compressor, threshold } = &**self.0.as_ref()?;
        Some(Standalone { key: compressor.standalone()?, threshold: *threshold })
    }

    /// Returns `true` if [`compress`](Self::compress) may make the message smaller.
    pub(crate) fn applies(&self, message: &Message) -> bool {
        let Some(state) = &self.0 else { return false };
        payload_of(message).is_some_and(|(_, payload)| payload.len() >= state.threshold)
    }

    /// Compresses a message. Returns `None` if it has to be sent uncompressed.
    ///
    /// Messages must be sent in the order in which this method is called.
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

    /// Compresses a piece of the message, and flushes up to a byte boundary.
    pub(crate) fn compress_piece(&mut self, piece: &[u8]) -> io::Result<Bytes> {
        let compressed = self.0.as_mut().and_then(|state| state.compressor.piece(piece));
        compressed.map(Bytes::from).ok_or_else(|| io::Error::other("a message could not be compressed"))
    }

    /// Ends the message, and returns its last bytes.
    pub(crate) fn end_pieces(&mut self) -> &'static [u8] {
        if let Some(state) = &mut self.0 {
            state.compressor.end_pieces();
        }
        &LAST
    }

    /// Forgets all messages: the next message does not refer to earlier ones.
    pub(crate) fn forget(&mut self) {
        if let Some(state) = &mut self.0 {
            state.compressor.forget();
        }
    }
}

/// The last byte of a message whose pieces were flushed. Together with the
/// [`TAIL`](super::pool::TAIL), which the peer appends, it is an empty block (RFC 7692 §7.2.3.6).
const LAST: [u8; 1] = [0];

#[cfg(test)]
mod tests {
    use tungstenite::{Message, protocol::frame::coding::Data};

    use super::{Compressor, Deflater};

    #[test]
    fn only_data_messages_from_the_threshold_on_are_compressed() {
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
    fn standalone_result_equals_the_result_of_each_connection() {
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
    fn deflater_can_move_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<Deflater>();
    }
}

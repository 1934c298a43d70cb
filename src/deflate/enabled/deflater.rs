//! Compressing the messages of one connection, where that was agreed on.

use bytes::Bytes;
use tungstenite::{Message, protocol::frame::coding::Data};

use super::compress::Compressor;

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

    /// Whether [`compress`](Self::compress) may make a message smaller.
    pub(crate) fn applies(&self, message: &Message) -> bool {
        let Some(state) = &self.0 else { return false };
        data(message).is_some_and(|(_, payload)| payload.len() >= state.threshold)
    }

    /// Compresses a message; `None` when it goes out as it is.
    ///
    /// Messages must go out in the order in which they come here.
    pub(crate) fn compress(&mut self, message: &Message) -> Option<(Data, Bytes)> {
        let state = self.0.as_mut()?;
        let (opcode, payload) = data(message).filter(|(_, payload)| payload.len() >= state.threshold)?;
        Some((opcode, state.compressor.compress(payload)?.into()))
    }
}

/// The opcode and the payload of a data message.
fn data(message: &Message) -> Option<(Data, &[u8])> {
    match message {
        Message::Text(text) => Some((Data::Text, text.as_bytes())),
        Message::Binary(payload) => Some((Data::Binary, payload)),
        _ => None,
    }
}

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
    fn another_thread_may_compress() {
        fn is_send<T: Send>() {}
        is_send::<Deflater>();
    }
}

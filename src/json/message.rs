//! From messages to values and back.

use serde::{Serialize, de::DeserializeOwned};
use tungstenite::{Error, Message};

use super::{RecvJsonError, SendJsonError};

/// Converts a received message into a value. Returns `None` for messages without data: pings, pongs
/// and Close frames.
pub(super) fn decode<T: DeserializeOwned>(
    received: Result<Message, Error>,
) -> Option<Result<T, RecvJsonError>> {
    match received {
        Ok(Message::Text(text)) => {
            Some(serde_json::from_str(&text).map_err(|source| RecvJsonError::Invalid { text, source }))
        }
        Ok(Message::Binary(bytes)) => Some(Err(RecvJsonError::Binary(bytes))),
        Ok(_) => None,
        Err(error) => Some(Err(RecvJsonError::Socket(error))),
    }
}

pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Message, SendJsonError> {
    serde_json::to_string(value).map(Message::text).map_err(SendJsonError::Unserializable)
}

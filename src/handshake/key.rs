//! `Sec-WebSocket-Key` and `Sec-WebSocket-Accept` (RFC 6455 §4.2.1 item 5 and §4.2.2 item 5.4).

use http::HeaderValue;
use tungstenite::handshake::derive_accept_key;

/// The length of 16 bytes in base64: 22 digits and two `=`.
const LENGTH: usize = 24;

/// Returns whether `value` is 16 bytes in base64.
pub(crate) fn is_valid(value: &HeaderValue) -> bool {
    let value = value.as_bytes();
    value.len() == LENGTH
        && value.ends_with(b"==")
        && value[..LENGTH - 2].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// Returns the `Sec-WebSocket-Accept` for the key `value`.
pub(crate) fn accept(value: &HeaderValue) -> HeaderValue {
    HeaderValue::try_from(derive_accept_key(value.as_bytes())).expect("base64 is a valid header value")
}

#[cfg(test)]
mod tests;

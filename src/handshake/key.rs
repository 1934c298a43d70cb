//! `Sec-WebSocket-Key` and the answer to it (RFC 6455 §4.2.1 item 5 and §4.2.2 item 5.4).

use http::HeaderValue;
use tungstenite::handshake::derive_accept_key;

/// The length of 16 bytes in base64: 22 digits and two `=`.
const LENGTH: usize = 24;

/// Whether `value` is 16 bytes in base64.
pub(crate) fn is_valid(value: &HeaderValue) -> bool {
    let value = value.as_bytes();
    value.len() == LENGTH
        && value.ends_with(b"==")
        && value[..LENGTH - 2].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// The `Sec-WebSocket-Accept` that answers the key `value`.
pub(crate) fn accept(value: &HeaderValue) -> HeaderValue {
    HeaderValue::try_from(derive_accept_key(value.as_bytes())).expect("base64 is a valid header value")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::{accept, is_valid};

    #[test]
    fn the_example_of_rfc_6455_section_1_3() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert!(is_valid(&key));
        assert_eq!(accept(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_key_is_sixteen_bytes_of_base64() {
        let cases = [
            ("AAAAAAAAAAAAAAAAAAAAAA==", true),
            ("+/0123456789abcdefghij==", true),
            ("", false),
            ("abc", false),
            ("AAAAAAAAAAAAAAAAAAAAAAA=", false),
            ("AAAAAAAAAAAAAAAAAAAAAAAA", false),
            ("AAAAAAAAAAAAAAAAAAAAA===", false),
            ("AAAAAAAAAAAAAAAAAAAAA ==", false),
            ("AAAAAAAAAAAAAAAAAAAAA-==", false),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAA==", false),
        ];
        for (key, expected) in cases {
            assert_eq!(is_valid(&HeaderValue::from_static(key)), expected, "{key:?}");
        }
    }
}

use http::HeaderValue;
use proptest::{collection::vec, prelude::*};

use super::{accept, is_valid};
use crate::header::arbitrary::config;

#[test]
fn example_of_rfc_6455_section_1_3() {
    let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
    assert!(is_valid(&key));
    assert_eq!(accept(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn key_is_sixteen_bytes_in_base64() {
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

/// Computed with Python's `hashlib` and `base64`.
#[test]
fn accept_equals_that_of_another_implementation() {
    for (key, answer) in [
        ("AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
        ("/////////////////////w==", "XXpj4jYzLM2yUE0C7TIgMwTQh2g="),
        ("AAECAwQFBgcICQoLDA0ODw==", "Bz3qJYTGdOe8gUSpLosEdiLKDrk="),
        ("//79/Pv6+fj39vX08/Lx8A==", "KK6gXrxy1jl+SqT4+Dk+Xlb9/D4="),
        ("+++++++++++++++++++++w==", "ixakkuXOmA6rnL940yFjkr2/Yxs="),
        ("c2l4dGVlbiBieXRlcyBvaw==", "sS6+hkHLNmx272H8MGJ53hjxnOA="),
    ] {
        let key = HeaderValue::from_static(key);
        assert!(is_valid(&key));
        assert_eq!(accept(&key), answer);
    }
}

/// Base64 (RFC 4648 §4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, i| bits << 8 | u32::from(*three.get(i).unwrap_or(&0)));
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 63;
            text.push(if digit <= three.len() { char::from(DIGITS[value as usize]) } else { '=' });
        }
    }
    text
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn only_sixteen_bytes_in_base64_are_a_key(bytes in vec(any::<u8>(), 0..40), nonce: [u8; 16]) {
        let key = HeaderValue::from_str(&base64(&bytes)).unwrap();
        prop_assert_eq!(is_valid(&key), bytes.len() == 16);
        prop_assert!(is_valid(&HeaderValue::from_str(&base64(&nonce)).unwrap()));
    }
}

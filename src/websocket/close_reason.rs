//! Close reasons (RFC 6455 §7.1.6).

use std::fmt;

use tungstenite::Utf8Bytes;

/// The reason in a Close frame: UTF-8 of at most 123 bytes (RFC 6455 §5.5).
///
/// A longer text is cut to that, between two characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseReason(Utf8Bytes);

impl CloseReason {
    /// The largest reason, in bytes: a control frame's 125 less the code's 2.
    pub const MAX: usize = 123;

    /// Returns the reason's text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl From<&str> for CloseReason {
    fn from(text: &str) -> Self {
        let mut end = text.len().min(Self::MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self(Utf8Bytes::from(&text[..end]))
    }
}

impl From<CloseReason> for Utf8Bytes {
    fn from(reason: CloseReason) -> Self {
        reason.0
    }
}

impl From<String> for CloseReason {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::CloseReason;

    #[test]
    fn a_reason_is_cut_between_two_characters() {
        for (text, expected) in [
            ("", 0),
            ("short", 5),
            (&*"x".repeat(123), 123),
            (&*"x".repeat(124), 123),
            (&*"é".repeat(62), 122),
            (&*"😀".repeat(31), 120),
        ] {
            let reason = CloseReason::from(text);
            assert_eq!(reason.as_str(), &text[..expected]);
        }
    }

    proptest! {
        #![proptest_config(crate::header::arbitrary::config())]

        #[test]
        fn a_reason_is_as_much_of_a_text_as_fits(text in "\\PC{0,160}") {
            let reason = CloseReason::from(&*text);
            let rest = text.strip_prefix(reason.as_str()).unwrap();
            prop_assert!(reason.as_str().len() <= CloseReason::MAX);
            if let Some(next) = rest.chars().next() {
                prop_assert!(reason.as_str().len() + next.len_utf8() > CloseReason::MAX);
            }
        }
    }
}

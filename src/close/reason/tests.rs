use proptest::prelude::*;

use super::CloseReason;

#[test]
fn reason_is_truncated_between_characters() {
    for (text, expected) in [
        ("", 0),
        ("short", 5),
        (&*"x".repeat(123), 123),
        (&*"x".repeat(124), 123),
        (&*"é".repeat(62), 122),
        (&*"😀".repeat(31), 120),
    ] {
        let reason = CloseReason::truncated(text);
        assert_eq!(reason.as_str(), &text[..expected]);
    }
}

proptest! {
    #![proptest_config(crate::header::arbitrary::config())]

    #[test]
    fn reason_is_the_longest_prefix_that_fits(text in "\\PC{0,160}") {
        let reason = CloseReason::truncated(&text);
        let rest = text.strip_prefix(reason.as_str()).unwrap();
        prop_assert!(reason.as_str().len() <= CloseReason::MAX);
        if let Some(next) = rest.chars().next() {
            prop_assert!(reason.as_str().len() + next.len_utf8() > CloseReason::MAX);
        }
    }
}

use http::{HeaderMap, HeaderValue, header::CONNECTION};
use proptest::{collection::vec, prelude::*};

use super::{has_token, joined, tokens};
use crate::header::arbitrary::{config, layout, token};

fn lines(lines: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(CONNECTION, HeaderValue::from_bytes(line).unwrap());
    }
    headers
}

#[test]
fn members_of_all_lines_keep_their_order() {
    let cases: &[(&[&[u8]], &[&str])] = &[
        (&[], &[]),
        (&[b""], &[]),
        (&[b"Upgrade"], &["Upgrade"]),
        (&[b"keep-alive, Upgrade"], &["keep-alive", "Upgrade"]),
        (&[b"keep-alive ,\tUpgrade\t"], &["keep-alive", "Upgrade"]),
        (&[b",, a,,b ,"], &["a", "b"]),
        (&[b"a", b"b, c"], &["a", "b", "c"]),
        (&[b"a, \xff, b"], &["a", "b"]),
    ];
    for (input, expected) in cases {
        let headers = lines(input);
        let found: Vec<_> = tokens(&headers, &CONNECTION).collect();
        assert_eq!(&found, expected, "{input:?}");
    }
}

#[test]
fn token_is_found_in_any_case_but_not_as_a_substring() {
    let cases: &[(&[&[u8]], bool)] = &[
        (&[b"upgrade"], true),
        (&[b"UPGRADE"], true),
        (&[b"keep-alive", b"x, Upgrade"], true),
        (&[b"upgraded"], false),
        (&[b"no-upgrade"], false),
        (&[b"keep-alive; upgrade"], false),
        (&[b"upgrade/1"], false),
        (&[], false),
    ];
    for (input, expected) in cases {
        assert_eq!(has_token(&lines(input), &CONNECTION, "upgrade"), *expected, "{input:?}");
    }
}

#[test]
fn lines_are_joined_in_order() {
    let cases: &[(&[&[u8]], &[u8])] =
        &[(&[], b""), (&[b"a"], b"a"), (&[b"a, b", b"", b"\xff"], b"a, b, , \xff")];
    for (input, expected) in cases {
        assert_eq!(joined(&lines(input), &CONNECTION).as_bytes(), *expected, "{input:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn list_in_any_layout_has_its_tokens(members in vec(token(), 0..6), layout in layout(), other in token()) {
        let headers = layout.header(CONNECTION, &members);
        prop_assert_eq!(tokens(&headers, &CONNECTION).collect::<Vec<_>>(), &members[..]);
        for member in &members {
            prop_assert!(has_token(&headers, &CONNECTION, &member.to_ascii_uppercase()));
        }
        let is_member = members.iter().any(|member| member.eq_ignore_ascii_case(&other));
        prop_assert_eq!(has_token(&headers, &CONNECTION, &other), is_member);
    }
}

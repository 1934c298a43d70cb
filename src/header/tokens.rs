//! Comma-separated token lists (RFC 9110 §5.6.1), from all lines of a repeated header.

use http::{HeaderMap, HeaderValue, header::HeaderName};

/// Returns the members of the list in the header `name` in order, from all lines.
///
/// Empty members are skipped (RFC 9110 §5.6.1.2), and so are members that are not UTF-8.
pub(crate) fn tokens<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> + use<'a> {
    members(headers, name).filter_map(|member| std::str::from_utf8(member).ok())
}

/// Returns the members of the list in the header `name` in order, from all lines, also those with
/// invalid syntax. Empty members are skipped.
pub(crate) fn members<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

/// Returns whether the list in the header `name` contains `token`, ignoring case.
pub(crate) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    members(headers, name).any(|member| member.eq_ignore_ascii_case(token.as_bytes()))
}

/// Returns whether `text` is a token (RFC 9110 §5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_char)
}

pub(super) fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Joins all lines of the header `name` into one (RFC 9110 §5.3). Empty if the header is missing.
pub(crate) fn joined(headers: &HeaderMap, name: &HeaderName) -> HeaderValue {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (None, _) => HeaderValue::from_static(""),
        (Some(line), None) => line.clone(),
        _ => {
            let lines: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
            HeaderValue::from_bytes(&lines.join(&b", "[..])).expect("lines and commas are a header's value")
        }
    }
}

#[cfg(test)]
mod tests {
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
}

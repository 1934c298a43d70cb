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
    matches!(byte,
        b'0'..=b'9' | b'A'..=b'Z' | b'^'..=b'z' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'|' | b'~')
}

/// Returns the value of the header `name`, which must not be repeated. The error contains all
/// lines, joined into one.
pub(crate) fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (line, None) => Ok(line),
        _ => Err(joined(headers, name)),
    }
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
mod tests;

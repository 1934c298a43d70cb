//! Extension lists (RFC 6455 §9.1), from all lines of a repeated header.

use std::borrow::Cow;

use http::{HeaderMap, header::SEC_WEBSOCKET_EXTENSIONS};

use super::tokens::is_token_char;

/// One member of a `Sec-WebSocket-Extensions` list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extension<'a> {
    pub(crate) name: &'a str,
    /// The parameters with their values. Quotes around a value are removed.
    pub(crate) params: Vec<(&'a str, Option<Cow<'a, str>>)>,
}

/// Returns the members of the list in order, from all lines. Members with invalid syntax are
/// skipped.
pub(crate) fn extensions(headers: &HeaderMap) -> impl Iterator<Item = Extension<'_>> {
    headers
        .get_all(SEC_WEBSOCKET_EXTENSIONS)
        .iter()
        .flat_map(|line| split(line.as_bytes(), b','))
        .filter_map(extension)
}

/// Splits at each `separator` outside of quotes.
fn split(bytes: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    bytes.split(move |byte| {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ => return *byte == separator && !is_quoted,
        }
        false
    })
}

fn extension(member: &[u8]) -> Option<Extension<'_>> {
    let mut parts = split(member, b';');
    let name = token(parts.next()?)?;
    let params = parts.map(param).collect::<Option<_>>()?;
    Some(Extension { name, params })
}

fn param(part: &[u8]) -> Option<(&str, Option<Cow<'_, str>>)> {
    match part.iter().position(|byte| *byte == b'=') {
        Some(at) => Some((token(&part[..at])?, Some(value(&part[at + 1..])?))),
        None => Some((token(part)?, None)),
    }
}

/// Parses a token, or a quoted string that is a token without its quotes and escapes.
fn value(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let Some(quoted) = bytes.trim_ascii().strip_prefix(b"\"") else {
        return token(bytes).map(Cow::Borrowed);
    };
    let (mut value, mut rest) = (String::new(), quoted.iter());
    loop {
        match rest.next()? {
            b'"' if rest.as_slice().is_empty() && !value.is_empty() => return Some(Cow::Owned(value)),
            b'\\' => value.push(token_char(*rest.next()?)?),
            byte => value.push(token_char(*byte)?),
        }
    }
}

fn token(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.trim_ascii();
    let is_token = !bytes.is_empty() && bytes.iter().all(|byte| token_char(*byte).is_some());
    if is_token { std::str::from_utf8(bytes).ok() } else { None }
}

fn token_char(byte: u8) -> Option<char> {
    is_token_char(byte).then_some(char::from(byte))
}

#[cfg(test)]
mod tests;

//! Reads one head from a raw stream.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};
use tower::BoxError;

/// The largest size of a head in bytes, and the largest number of headers.
pub(super) const MAX_HEAD: usize = 64 * 1024;
pub(super) const MAX_HEADERS: usize = 100;

/// The reason why no head was read.
#[derive(Debug)]
pub(crate) enum HeadError {
    Io(io::Error),
    UnexpectedEof,
    TimedOut,
    Malformed(BoxError),
    TooLarge,
}

/// A head with its length in bytes, or `None` if it is incomplete.
pub(super) type Parsed<T> = Result<Option<(T, usize)>, HeadError>;

/// Reads one head within `limit`, and returns it with its length in bytes.
///
/// `bytes` contains the bytes that were read before, and then also the head. Empty lines before the
/// head count as a part of it, but `parse` does not get them.
pub(super) async fn read<T>(
    io: &mut (impl AsyncRead + Unpin),
    bytes: &mut BytesMut,
    limit: Duration,
    parse: impl Fn(&[u8]) -> Parsed<T>,
) -> Result<(T, usize), HeadError> {
    timeout(limit, read_into(bytes, io, parse)).await.unwrap_or(Err(HeadError::TimedOut))
}

async fn read_into<T>(
    bytes: &mut BytesMut,
    io: &mut (impl AsyncRead + Unpin),
    parse: impl Fn(&[u8]) -> Parsed<T>,
) -> Result<(T, usize), HeadError> {
    // The length of the empty lines before the head, and how much of the head was parsed before and
    // searched for its end.
    let (mut empty, mut parsed, mut searched) = (0, 0, 0);
    loop {
        if parsed == 0 {
            empty += empty_lines(&bytes[empty..]);
        }
        let head = &bytes[empty..];
        // If a head arrives in single bytes, it is not parsed after each of them, but invalid bytes
        // are still detected early.
        let may_end = || head[searched..].windows(2).any(|pair| matches!(pair, b"\n\n" | b"\n\r"));
        if head != b"\r" && (head.len() > 2 * parsed || may_end()) {
            parsed = head.len();
            if let Some((value, length)) = parse(head)? {
                let length = empty + length;
                return if length > MAX_HEAD { Err(HeadError::TooLarge) } else { Ok((value, length)) };
            }
        }
        if bytes.len() > MAX_HEAD {
            return Err(HeadError::TooLarge);
        }
        searched = head.len().saturating_sub(3);
        if io.read_buf(bytes).await.map_err(HeadError::Io)? == 0 {
            return Err(HeadError::UnexpectedEof);
        }
    }
}

/// Returns the length of the empty lines at the start of `bytes`, which a recipient ignores (RFC
/// 9112 §2.2).
fn empty_lines(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some(next) = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")) {
        rest = next;
    }
    bytes.len() - rest.len()
}

/// Returns the parsed `headers` of a head, whose text their values share.
pub(super) fn header_map(
    head: &HeadText<'_>,
    headers: &[httparse::Header<'_>],
) -> Result<HeaderMap, BoxError> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for header in headers {
        let name = HeaderName::from_bytes(header.name.as_bytes())?;
        map.append(name, HeaderValue::from_maybe_shared(head.part(header.value))?);
    }
    Ok(map)
}

/// The text of a head that is being parsed, with a copy that its parts share.
pub(super) struct HeadText<'a> {
    parsed: &'a [u8],
    copy: Bytes,
}

impl<'a> HeadText<'a> {
    pub(super) fn new(parsed: &'a [u8]) -> Self {
        Self { parsed, copy: Bytes::copy_from_slice(parsed) }
    }

    /// Returns `part`, which must be empty or a part of the text, as a part of the copy.
    pub(super) fn part(&self, part: &[u8]) -> Bytes {
        if part.is_empty() {
            return Bytes::new();
        }
        let start = part.as_ptr().addr() - self.parsed.as_ptr().addr();
        self.copy.slice(start..start + part.len())
    }
}

impl From<httparse::Error> for HeadError {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self::TooLarge,
            error => Self::Malformed(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;

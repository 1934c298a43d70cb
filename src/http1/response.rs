//! Reads the head of a response.

use std::{mem::MaybeUninit, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use http::{Response, StatusCode, Version};
use tokio::{io::AsyncRead, time::Instant};
use tower::BoxError;

use super::head::{self, HeadError, HeadText, MAX_HEAD, MAX_HEADERS, Parsed, header_map};

/// Reads the head of the final response. Also returns the bytes that were read after it, or all its
/// bytes if the head is incomplete or invalid.
///
/// Interim responses, such as a 103, are skipped (RFC 9110 §15.2). All together may be as large as
/// one head.
pub(crate) async fn read_response<IO>(
    io: &mut IO,
    limit: Duration,
) -> (Bytes, Result<Response<()>, HeadError>)
where
    IO: AsyncRead + Unpin,
{
    // `None` is a time that is never reached.
    let deadline = Instant::now().checked_add(limit);
    let mut bytes = BytesMut::with_capacity(1024);
    let mut skipped = 0;
    let response = loop {
        let left = deadline.map_or(limit, |deadline| deadline.saturating_duration_since(Instant::now()));
        let (response, length) = match head::read(io, &mut bytes, left, parse).await {
            Ok(head) => head,
            Err(error) => break Err(error),
        };
        bytes.advance(length);
        if !is_interim(response.status()) {
            break Ok(response);
        }
        skipped += length;
        if skipped > MAX_HEAD {
            break Err(HeadError::TooLarge);
        }
    };
    (bytes.freeze(), response)
}

fn is_interim(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

fn parse(bytes: &[u8]) -> Parsed<Response<()>> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    match config.parse_response_with_uninit_headers(&mut head, bytes, &mut headers)? {
        httparse::Status::Complete(length) if length > MAX_HEAD => Err(HeadError::TooLarge),
        httparse::Status::Complete(length) => match response(&head, &HeadText::new(&bytes[..length])) {
            Ok(response) => Ok(Some((response, length))),
            Err(error) => Err(HeadError::Malformed(error)),
        },
        httparse::Status::Partial => Ok(None),
    }
}

fn response(head: &httparse::Response<'_, '_>, text: &HeadText<'_>) -> Result<Response<()>, BoxError> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(head.code.unwrap_or_default())?;
    *response.version_mut() = if head.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    *response.headers_mut() = header_map(text, head.headers)?;
    Ok(response)
}

#[cfg(test)]
mod tests;

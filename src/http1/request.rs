//! Reads the head of a request.

use std::{mem::MaybeUninit, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Uri, Version};
use tokio::io::AsyncRead;
use tower::BoxError;

use super::head::{self, HeadError, HeadText, MAX_HEAD, MAX_HEADERS, Parsed, header_map};

/// Reads the head of one request. Returns all bytes that were read, and the request with the length
/// of its head.
pub(crate) async fn read_request<IO>(
    io: &mut IO,
    limit: Duration,
) -> (Bytes, Result<(Request<()>, usize), HeadError>)
where
    IO: AsyncRead + Unpin,
{
    let mut bytes = BytesMut::with_capacity(1024);
    let request = head::read(io, &mut bytes, limit, parse).await;
    (bytes.freeze(), request)
}

/// Returns the request whose head is `head`.
pub(crate) fn parse_request(head: &[u8]) -> Option<Request<()>> {
    parse(head).ok()?.map(|(request, _)| request)
}

fn parse(bytes: &[u8]) -> Parsed<Request<()>> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut []);
    match head.parse_with_uninit_headers(bytes, &mut headers)? {
        httparse::Status::Complete(length) if length > MAX_HEAD => Err(HeadError::TooLarge),
        httparse::Status::Complete(length) => match request(&head, &HeadText::new(&bytes[..length])) {
            Ok(request) => Ok(Some((request, length))),
            Err(error) => Err(HeadError::Malformed(error)),
        },
        httparse::Status::Partial => Ok(None),
    }
}

fn request(head: &httparse::Request<'_, '_>, text: &HeadText<'_>) -> Result<Request<()>, BoxError> {
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(head.method.unwrap_or_default().as_bytes())?;
    *request.uri_mut() = Uri::from_maybe_shared(text.part(head.path.unwrap_or_default().as_bytes()))?;
    *request.version_mut() = if head.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    *request.headers_mut() = header_map(text, head.headers)?;
    Ok(request)
}

#[cfg(test)]
mod tests;

//! Writes a complete response to a stream that ends with it (RFC 9112 §6).

use std::io;

use http::{
    HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING},
};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::{handshake::RejectionBody, http1::encode_response};

/// How the end of the body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// The response has no body.
    None,
    Length(u64),
    Chunked,
    /// The body ends with the stream, for HTTP/1.0.
    UntilEnd,
}

/// Writes `response` to `request`, if there is one, and shuts the stream down.
pub(super) async fn respond<IO>(
    io: &mut IO,
    response: Response<RejectionBody>,
    request: Option<&Request<()>>,
) -> io::Result<()>
where
    IO: AsyncWrite + Unpin,
{
    let (mut head, mut body) = response.into_parts();
    // The status is never a 1xx.
    let framing = match body.size_hint().exact() {
        _ if [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&head.status) => Framing::None,
        Some(length) => Framing::Length(length),
        None if request.is_some_and(|request| request.version() < Version::HTTP_11) => Framing::UntilEnd,
        None => Framing::Chunked,
    };
    head.headers.remove(CONTENT_LENGTH);
    head.headers.remove(TRANSFER_ENCODING);
    match framing {
        Framing::Length(length) => drop(head.headers.insert(CONTENT_LENGTH, length.into())),
        Framing::Chunked => {
            head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        Framing::None | Framing::UntilEnd => {}
    }
    head.headers.append(CONNECTION, HeaderValue::from_static("close"));
    let mut bytes = encode_response(&Response::from_parts(head, ()), false);
    let is_head = request.is_some_and(|request| request.method() == Method::HEAD);
    if framing != Framing::None && !is_head {
        let mut left = framing;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(io::Error::other)?.into_data() else { continue };
            if data.is_empty() {
                continue;
            }
            match &mut left {
                Framing::Length(left) => {
                    *left = left.checked_sub(data.len() as u64).ok_or_else(wrong_length)?
                }
                Framing::Chunked => bytes.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes()),
                Framing::None | Framing::UntilEnd => {}
            }
            bytes.extend_from_slice(&data);
            if framing == Framing::Chunked {
                bytes.extend_from_slice(b"\r\n");
            }
            io.write_all(&bytes).await?;
            bytes.clear();
        }
        match left {
            Framing::Length(1..) => return Err(wrong_length()),
            Framing::Chunked => bytes.extend_from_slice(b"0\r\n\r\n"),
            _ => {}
        }
    }
    io.write_all(&bytes).await?;
    io.shutdown().await
}

fn wrong_length() -> io::Error {
    io::Error::other("the body of the response does not have its announced length")
}

#[cfg(test)]
mod tests;

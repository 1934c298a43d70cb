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
mod tests {
    use std::{convert::Infallible, io};

    use bytes::Bytes;
    use futures_util::stream;
    use http::{Request, Response, StatusCode, Version};
    use http_body::{Body, Frame, SizeHint};
    use http_body_util::StreamBody;

    use super::respond;
    use crate::handshake::Rejection;

    type Frames = Vec<Result<Frame<Bytes>, io::Error>>;

    fn frames(parts: &[&'static str]) -> Frames {
        parts.iter().map(|part| Ok(Frame::data(Bytes::from(*part)))).collect()
    }

    fn streamed(status: u16, frames: Frames) -> Rejection {
        let response = Response::builder().status(status).header("content-length", "99");
        response
            .header("transfer-encoding", "gzip")
            .body(StreamBody::new(stream::iter(frames)))
            .unwrap()
            .into()
    }

    async fn written(rejection: Rejection, request: Option<Request<()>>) -> io::Result<String> {
        let mut io = Vec::new();
        respond(&mut io, rejection.into_response(), request.as_ref()).await?;
        Ok(String::from_utf8(io).unwrap())
    }

    fn request(method: &str, version: Version) -> Option<Request<()>> {
        Some(Request::builder().method(method).version(version).body(()).unwrap())
    }

    #[tokio::test]
    async fn each_body_has_one_framing() {
        let get = || request("GET", Version::HTTP_11);
        for (rejection, request, expected) in [
            (
                Rejection::from((StatusCode::CONFLICT, "full")),
                get(),
                "409 Conflict\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 4\r\n\
                 connection: close\r\n\r\nfull",
            ),
            (
                StatusCode::FORBIDDEN.into(),
                None,
                "403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            ),
            (StatusCode::NO_CONTENT.into(), get(), "204 No Content\r\nconnection: close\r\n\r\n"),
            (streamed(304, frames(&["a"])), get(), "304 Not Modified\r\nconnection: close\r\n\r\n"),
            (
                streamed(403, frames(&["ab", "", "c"])),
                get(),
                "403 Forbidden\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
                 2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            ),
            (
                streamed(403, frames(&["ab", "c"])),
                request("GET", Version::HTTP_10),
                "403 Forbidden\r\nconnection: close\r\n\r\nabc",
            ),
            (
                Rejection::from((StatusCode::CONFLICT, "full")),
                request("HEAD", Version::HTTP_11),
                "409 Conflict\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 4\r\n\
                 connection: close\r\n\r\n",
            ),
        ] {
            assert_eq!(written(rejection, request).await.unwrap(), format!("HTTP/1.1 {expected}"));
        }
    }

    #[tokio::test]
    async fn failed_body_is_not_terminated() {
        let mut frames = frames(&["ab"]);
        frames.push(Err(io::Error::other("broken")));
        let mut io = Vec::new();
        let error = respond(&mut io, streamed(403, frames).into_response(), None).await.unwrap_err();
        assert_eq!(error.to_string(), "broken");
        assert!(io.ends_with(b"\r\n\r\n2\r\nab\r\n"), "{}", io.escape_ascii());
    }

    /// A body that announces a wrong length.
    struct Wrong(u64, Option<Bytes>);

    impl Body for Wrong {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            std::task::Poll::Ready(self.1.take().map(|data| Ok(Frame::data(data))))
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0)
        }
    }

    #[tokio::test]
    async fn wrong_length_is_an_error() {
        for announced in [2, 4] {
            let response = Response::new(Wrong(announced, Some(Bytes::from("abc"))));
            assert!(written(response.into(), None).await.is_err(), "{announced}");
        }
    }
}

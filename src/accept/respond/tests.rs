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
    response.header("transfer-encoding", "gzip").body(StreamBody::new(stream::iter(frames))).unwrap().into()
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

//! Reads the head of a response.

use std::{mem::MaybeUninit, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Response, StatusCode, Version, header::HeaderName};
use tokio::{io::AsyncRead, time::Instant};
use tower::BoxError;

use super::head::{self, HeadError, MAX_HEAD, MAX_HEADERS, Parsed};

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
    let deadline = Instant::now() + limit;
    let mut bytes = BytesMut::with_capacity(1024);
    let mut skipped = 0;
    let response = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match head::read(io, &mut bytes, left, parse).await {
            Ok((response, length)) if is_interim(response.status()) => {
                skipped += length;
                if skipped > MAX_HEAD {
                    break Err(HeadError::TooLarge);
                }
            }
            Ok((response, _)) => break Ok(response),
            Err(error) => break Err(error),
        }
    };
    (bytes.freeze(), response)
}

fn is_interim(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

/// Parses a response, and returns it with its length.
fn parse(bytes: &[u8]) -> Parsed<(Response<()>, usize)> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    match config.parse_response_with_uninit_headers(&mut head, bytes, &mut headers)? {
        httparse::Status::Complete(length) if length > MAX_HEAD => Err(HeadError::TooLarge),
        httparse::Status::Complete(length) => match response(&head) {
            Ok(response) => Ok(Some(((response, length), length))),
            Err(error) => Err(HeadError::Malformed(error)),
        },
        httparse::Status::Partial => Ok(None),
    }
}

fn response(head: &httparse::Response<'_, '_>) -> Result<Response<()>, BoxError> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(head.code.unwrap_or_default())?;
    *response.version_mut() = if head.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    for header in &*head.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes())?;
        response.headers_mut().append(name, HeaderValue::from_bytes(header.value)?);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Version;
    use tokio::io::{AsyncWriteExt, duplex};

    use super::{HeadError, MAX_HEAD, read_response};

    async fn read_all(mut bytes: &[u8]) -> (Vec<u8>, Result<http::Response<()>, HeadError>) {
        let (unread, response) = read_response(&mut bytes, Duration::from_secs(1)).await;
        ([&unread, bytes].concat(), response)
    }

    const EARLY: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";

    #[tokio::test]
    async fn bytes_after_the_head_are_returned() {
        for before in [&b""[..], EARLY, &EARLY.repeat(3)] {
            let head = b"HTTP/1.1 101 Switching Protocols\r\nX: 1\r\nX: \xff\r\n\r\nframes";
            let (rest, response) = read_all(&[before, head].concat()).await;
            let response = response.unwrap();
            assert_eq!((response.status().as_u16(), response.version()), (101, Version::HTTP_11));
            assert_eq!(response.headers().get_all("x").iter().count(), 2);
            assert_eq!(rest, b"frames");
        }
    }

    #[tokio::test]
    async fn head_can_arrive_in_any_pieces() {
        let head = [EARLY, b"HTTP/1.0 200 OK\r\n\r\n"].concat();
        for size in 1..head.len() {
            let (mut near, mut far) = duplex(size);
            let head = head.clone();
            let writing = tokio::spawn(async move { near.write_all(&head).await.map(|()| near) });
            let (unread, response) = read_response(&mut far, Duration::from_secs(1)).await;
            assert_eq!(response.unwrap().status(), 200);
            assert!(unread.is_empty());
            writing.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn malformed_head_is_returned_unread() {
        for bytes in [
            &b"garbage\r\n"[..],
            b"SSH-2.0-x\r\n",
            b"HTTP/1.1 99 x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nbad\r\n\r\n",
        ] {
            let (rest, response) = read_all(bytes).await;
            assert!(matches!(response, Err(HeadError::Malformed(_))), "{}", bytes.escape_ascii());
            assert_eq!(rest, bytes);
        }
        let (rest, response) = read_all(b"HTTP/1.1 200 OK\r\n").await;
        assert!(matches!(response, Err(HeadError::UnexpectedEof)));
        assert_eq!(rest, b"HTTP/1.1 200 OK\r\n");
    }

    #[tokio::test]
    async fn heads_have_limits() {
        let long = format!("HTTP/1.1 101 x\r\nX: {}", "x".repeat(MAX_HEAD));
        let many = format!("HTTP/1.1 101 x\r\n{}\r\n", "X: 1\r\n".repeat(101));
        let interim = String::from_utf8(EARLY.repeat(MAX_HEAD / EARLY.len() + 1)).unwrap();
        for bytes in [long, many, interim] {
            let (_, response) = read_all(bytes.as_bytes()).await;
            assert!(matches!(response, Err(HeadError::TooLarge)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_heads_together_have_one_deadline() {
        let (mut near, mut far) = duplex(1024);
        let writing = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(3)).await;
                if near.write_all(EARLY).await.is_err() {
                    break;
                }
            }
        });
        let start = tokio::time::Instant::now();
        let (_, response) = read_response(&mut far, Duration::from_secs(10)).await;
        assert!(matches!(response, Err(HeadError::TimedOut)));
        assert_eq!(start.elapsed(), Duration::from_secs(10));
        drop(far);
        writing.await.unwrap();
    }
}

use std::time::Duration;

use http::Version;

use super::{HeadError, read_request};
use crate::http1::head::MAX_HEAD;

const HEAD: &[u8] = b"GET /a?b HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nX-Two: \xff\r\n\r\n";

async fn read_all(mut bytes: &[u8]) -> (Vec<u8>, Result<http::Request<()>, HeadError>) {
    let (read, head) = read_request(&mut bytes, Duration::from_secs(1)).await;
    let length = head.as_ref().map_or(0, |(_, length)| *length);
    ([&read[length..], bytes].concat(), head.map(|(request, _)| request))
}

#[tokio::test]
async fn bytes_after_the_head_are_returned() {
    let (rest, request) = read_all(&[HEAD, b"frames"].concat()).await;
    let request = request.unwrap();
    assert_eq!((request.method().as_str(), request.version()), ("GET", Version::HTTP_11));
    assert_eq!(request.uri(), "/a?b");
    assert_eq!(request.headers().get_all("x-two").iter().count(), 2);
    assert_eq!(rest, b"frames");
}

#[tokio::test]
async fn head_can_arrive_in_any_pieces() {
    for size in 1..HEAD.len() {
        let mut io = pieces(size);
        let (read, head) = read_request(&mut io, Duration::from_secs(1)).await;
        let (request, length) = head.unwrap();
        assert_eq!(request.uri(), "/a?b");
        assert_eq!((&read[..], length), (HEAD, HEAD.len()));
    }
}

/// They are not a part of the request, but of the bytes that the caller gets (RFC 9112 §2.2).
#[tokio::test]
async fn empty_lines_before_the_head_are_ignored() {
    for before in [&b"\r\n"[..], b"\n", b"\r\n\n\r\n"] {
        let bytes = [before, HEAD, b"frames"].concat();
        let (read, head) = read_request(&mut &bytes[..], Duration::from_secs(1)).await;
        let (request, length) = head.unwrap();
        assert_eq!((request.uri().path(), request.headers().len()), ("/a", 3));
        assert_eq!((&read[..], length), (&bytes[..], before.len() + HEAD.len()));
    }
}

/// Returns an IO with [`HEAD`], in pieces of `size` bytes.
fn pieces(size: usize) -> impl tokio::io::AsyncRead + Unpin {
    let (mut near, far) = tokio::io::duplex(size);
    tokio::spawn(async move {
        tokio::io::AsyncWriteExt::write_all(&mut near, HEAD).await.unwrap();
        std::future::pending::<()>().await;
    });
    far
}

#[tokio::test]
async fn malformed_head_is_returned_unread() {
    for bytes in
        [&b"garbage without a newline"[..], b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nbad\r\n\r\n"]
    {
        let (rest, request) = read_all(bytes).await;
        assert!(matches!(request, Err(HeadError::Malformed(_))));
        assert_eq!(rest, bytes);
    }
}

#[tokio::test]
async fn head_has_limits() {
    let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(MAX_HEAD));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: 1\r\n".repeat(101));
    let empty = format!("{}GET / HTTP/1.1\r\n\r\n", "\r\n".repeat(MAX_HEAD / 2));
    for bytes in [long, many, empty] {
        let (_, request) = read_all(bytes.as_bytes()).await;
        assert!(matches!(request, Err(HeadError::TooLarge)));
    }
}

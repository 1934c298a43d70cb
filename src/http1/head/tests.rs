use std::{cell::Cell, time::Duration};

use bytes::BytesMut;
use tokio::io::{AsyncWriteExt, duplex};

use super::{HeadError, MAX_HEAD, MAX_HEADERS, Parsed, empty_lines, read};

/// Returns the length of the head of a request.
fn parse(bytes: &[u8]) -> Parsed<usize> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    Ok(match httparse::Request::new(&mut headers).parse(bytes)? {
        httparse::Status::Complete(length) => Some((length, length)),
        httparse::Status::Partial => None,
    })
}

/// Reads `bytes` in pieces of `size` bytes. Returns the head, and how many bytes were parsed.
async fn read_pieces(bytes: &[u8], size: usize) -> (Result<(usize, usize), HeadError>, usize) {
    let (mut near, mut far) = duplex(size);
    let mut buffer = BytesMut::new();
    let parsed = Cell::new(0);
    let counted = |bytes: &[u8]| {
        parsed.set(parsed.get() + bytes.len());
        parse(bytes)
    };
    let reading = read(&mut far, &mut buffer, Duration::MAX, counted);
    let writing = async {
        near.write_all(bytes).await.unwrap();
        std::future::pending().await
    };
    let head = tokio::select! {
        head = reading => head,
        () = writing => unreachable!(),
    };
    (head, parsed.get())
}

/// A head was parsed again for each piece of the empty lines before it. The work of 64 KB of them,
/// in pieces of two bytes, was 1 GB.
#[tokio::test]
async fn each_byte_is_parsed_only_a_few_times() {
    const HEAD: &str = "GET / HTTP/1.1\r\n";
    let empty = |line: &str| format!("{}{HEAD}\r\n", line.repeat(10_000));
    let long = format!("{HEAD}X: {}\r\n\r\n", "x".repeat(20_000));
    let many = format!("{HEAD}{}\r\n", format!("X: {}\r\n", "x".repeat(200)).repeat(MAX_HEADERS));
    for head in [empty("\r\n"), empty("\n"), empty("\n\r\n"), long, many] {
        for size in [1, 2, 3, 5, 1000] {
            let (read, parsed) = read_pieces(head.as_bytes(), size).await;
            let (_, length) = read.unwrap();
            assert_eq!(length, head.len());
            assert!(parsed <= 4 * head.len(), "{parsed} bytes parsed of {length} in pieces of {size}");
        }
    }
}

#[tokio::test]
async fn empty_lines_before_the_head_are_not_parsed() {
    let head = b"\r\n\n\r\nGET / HTTP/1.1\r\n\r\n";
    for size in 1..=head.len() {
        assert_eq!(read_pieces(head, size).await.0.unwrap(), (18, 23));
    }
    let (read, parsed) = read_pieces(&b"\r\n".repeat(MAX_HEAD), 1000).await;
    assert!(matches!(read, Err(HeadError::TooLarge)));
    assert_eq!(parsed, 0);
    for bytes in [&b"\r\rGET / HTTP/1.1\r\n\r\n"[..], b"\r\n\rGET / HTTP/1.1\r\n\r\n"] {
        assert!(matches!(read_pieces(bytes, 1).await.0, Err(HeadError::Malformed(_))));
    }
}

#[test]
fn empty_line_ends_with_a_line_feed() {
    for (bytes, length) in [
        (&b""[..], 0),
        (b"\r", 0),
        (b"\r\r\n", 0),
        (b"x\n", 0),
        (b"\n", 1),
        (b"\r\n\n\r", 3),
        (b"\n\r\nx\n", 3),
    ] {
        assert_eq!(empty_lines(bytes), length, "{}", bytes.escape_ascii());
    }
}

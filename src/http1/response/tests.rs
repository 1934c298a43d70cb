use std::time::Duration;

use http::Version;
use tokio::io::{AsyncWriteExt, duplex};

use super::{HeadError, MAX_HEAD, read_response};

async fn read_all(mut bytes: &[u8]) -> (Vec<u8>, Result<http::Response<()>, HeadError>) {
    let (unread, response) = read_response(&mut bytes, Duration::from_secs(1)).await;
    ([&unread, bytes].concat(), response)
}

#[tokio::test]
async fn any_limit_is_accepted() {
    let (_, response) = read_response(&mut &b"HTTP/1.1 101 x\r\n\r\n"[..], Duration::MAX).await;
    assert_eq!(response.unwrap().status(), 101);
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
    for bytes in
        [&b"garbage\r\n"[..], b"SSH-2.0-x\r\n", b"HTTP/1.1 99 x\r\n\r\n", b"HTTP/1.1 200 OK\r\nbad\r\n\r\n"]
    {
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

//! The opening handshake over HTTP/1.1 (RFC 6455 §4.1), as bytes.

use std::io::{self, Read, Write};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The key of every request.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The value of `Sec-WebSocket-Accept` for [`KEY`].
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Returns a [`request_to`] `localhost`.
pub fn request(target: &str, headers: &str) -> String {
    request_to("localhost", target, headers)
}

/// Returns a request to `host` that opens a WebSocket at `target`. `headers` are further lines,
/// each with its line ending.
///
/// # Panics
///
/// Panics if the last of `headers` has no line ending.
pub fn request_to(host: &str, target: &str, headers: &str) -> String {
    assert!(headers.is_empty() || headers.ends_with("\r\n"), "{headers:?}");
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{headers}\r\n"
    )
}

/// Opens a WebSocket with a [`request`], and returns the head of the response. Reads nothing beyond
/// it.
///
/// # Errors
///
/// Returns errors of `io`, and an error with the head if the status is not 101.
pub async fn open<IO>(io: &mut IO, target: &str, headers: &str) -> io::Result<String>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    io.write_all(request(target, headers).as_bytes()).await?;
    is_opened(read_head(io).await?)
}

/// Opens a WebSocket as [`open`] does, on blocking IO.
///
/// # Errors
///
/// Returns errors of `io`, and an error with the head if the status is not 101.
pub fn open_blocking(io: &mut (impl Read + Write), target: &str, headers: &str) -> io::Result<String> {
    io.write_all(request(target, headers).as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(END) {
        let mut byte = [0];
        io.read_exact(&mut byte)?;
        head.extend(byte);
    }
    is_opened(text(head)?)
}

/// Reads the head of an HTTP/1.1 message, and nothing beyond it.
///
/// # Errors
///
/// Returns errors of `io`, and an error if the head is not UTF-8.
pub async fn read_head(io: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(END) {
        head.push(io.read_u8().await?);
    }
    text(head)
}

const END: &[u8] = b"\r\n\r\n";

fn text(head: Vec<u8>) -> io::Result<String> {
    String::from_utf8(head).map_err(io::Error::other)
}

fn is_opened(head: String) -> io::Result<String> {
    if head.starts_with("HTTP/1.1 101 ") { Ok(head) } else { Err(io::Error::other(head)) }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    #[tokio::test]
    async fn bytes_after_the_head_are_left() {
        for (status, is_open) in [("101 Switching Protocols", true), ("403 Forbidden", false)] {
            let (mut client, mut server) = duplex(1024);
            let response = format!("HTTP/1.1 {status}\r\nA: b\r\n\r\n");
            server.write_all(format!("{response}more").as_bytes()).await.unwrap();
            let opened = open(&mut client, "/path", "Origin: null\r\n").await;
            assert_eq!(opened.is_ok(), is_open);
            assert_eq!(opened.unwrap_or_else(|error| error.to_string()), response);
            let mut more = [0; 4];
            client.read_exact(&mut more).await.unwrap();
            assert_eq!(&more, b"more");
            let sent = read_head(&mut server).await.unwrap();
            assert!(sent.starts_with("GET /path HTTP/1.1\r\nHost: localhost\r\n"), "{sent}");
            assert!(sent.ends_with("\r\nOrigin: null\r\n\r\n"), "{sent}");
        }
    }
}

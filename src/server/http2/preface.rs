//! Detects HTTP/2 on a connection without TLS (RFC 9113 §3.3 and §3.4).

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The first bytes of every HTTP/2 connection.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Space for most requests, so that detection costs an HTTP/1.1 client no additional read.
const FIRST_READ: usize = 1024;

/// Reads until it is clear whether the client uses HTTP/2. Returns the result and the bytes that
/// were read.
pub(super) async fn read<IO: AsyncRead + Unpin>(io: &mut IO) -> io::Result<(bool, Bytes)> {
    let mut bytes = BytesMut::with_capacity(FIRST_READ);
    while bytes.len() < PREFACE.len() && PREFACE.starts_with(&bytes) {
        if io.read_buf(&mut bytes).await? == 0 {
            break;
        }
    }
    Ok((bytes.starts_with(PREFACE), bytes.freeze()))
}

#[cfg(test)]
mod tests;

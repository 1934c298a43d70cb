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
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::{PREFACE, read};

    #[tokio::test]
    async fn only_the_complete_preface_is_http2() {
        let almost = [&PREFACE[..PREFACE.len() - 1], b"x"].concat();
        let more = [PREFACE, b"\0\0\0\x04\0\0\0\0\0"].concat();
        let cases: [(&[u8], bool); 7] = [
            (PREFACE, true),
            (&more, true),
            (&almost, false),
            (&PREFACE[..10], false),
            (b"", false),
            (b"PRI", false),
            (b"GET / HTTP/1.1\r\n\r\n", false),
        ];
        for (bytes, expected) in cases {
            for size in [1, 5, 100] {
                let (mut client, mut server) = duplex(size);
                let sent = bytes.to_vec();
                tokio::spawn(async move {
                    let _ = client.write_all(&sent).await;
                });
                let (is_http2, mut seen) =
                    read(&mut server).await.map(|(is, seen)| (is, seen.to_vec())).unwrap();
                assert_eq!(is_http2, expected, "{bytes:?}");
                server.read_to_end(&mut seen).await.unwrap();
                assert_eq!(seen, bytes);
            }
        }
    }

    #[tokio::test]
    async fn first_different_byte_decides() {
        let (mut client, mut server) = duplex(100);
        client.write_all(b"PRO").await.unwrap();
        assert!(!read(&mut server).await.unwrap().0);
    }
}

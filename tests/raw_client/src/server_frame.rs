//! Frames from a server to a client (RFC 6455 §5.2), which have no mask.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Reads a frame, and returns its first byte and its payload. Returns `None` at the end of the
/// stream or after an error.
///
/// # Panics
///
/// Panics if the stream ends within the frame, or if the frame is masked.
pub async fn read_frame(io: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let first = io.read_u8().await.ok()?;
    Some((first, read_payload(io).await.expect("the rest of the frame")))
}

/// Reads the rest of a frame after its first byte, and returns the payload.
///
/// # Errors
///
/// Returns errors of `io`.
///
/// # Panics
///
/// Panics if the frame is masked.
pub async fn read_payload(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let second = io.read_u8().await?;
    assert_eq!(second & 0x80, 0, "a server's frame has no mask");
    let len = match second {
        126 => io.read_u16().await?.into(),
        127 => io.read_u64().await?,
        len => len.into(),
    };
    let mut payload = vec![0; len as usize];
    io.read_exact(&mut payload).await?;
    Ok(payload)
}

/// Takes a frame from the start of `bytes`, and returns its first byte and its payload. Returns
/// `None` and takes nothing if the frame is incomplete.
///
/// # Panics
///
/// Panics if the frame is masked.
pub fn take_frame(bytes: &mut BytesMut) -> Option<(u8, Vec<u8>)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    assert_eq!(second & 0x80, 0, "a server's frame has no mask");
    let (start, len) = match second {
        126 => (4, u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?).into()),
        127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize),
        len => (2, usize::from(len)),
    };
    if bytes.len() < start + len {
        return None;
    }
    bytes.advance(start);
    Some((first, bytes.split_to(len).to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whole::BINARY;

    /// Returns frames with each form of the length.
    fn frames() -> [(Vec<u8>, usize); 4] {
        [
            (vec![BINARY, 0], 0),
            (vec![BINARY, 125], 125),
            (vec![BINARY, 126, 1, 0], 256),
            (vec![BINARY, 127, 0, 0, 0, 0, 0, 1, 0, 0], 65536),
        ]
        .map(|(header, len)| ([header, vec![7; len]].concat(), len))
    }

    #[tokio::test]
    async fn frames_are_read() {
        let bytes = frames().map(|(frame, _)| frame).concat();
        let mut input = &bytes[..];
        for (_, len) in frames() {
            assert_eq!(read_frame(&mut input).await, Some((BINARY, vec![7; len])));
        }
        assert_eq!(read_frame(&mut input).await, None);
    }

    #[test]
    fn frame_is_taken_when_it_is_complete() {
        for (frame, len) in frames() {
            for cut in (0..frame.len()).take(20).chain([frame.len() - 1]) {
                let mut part = BytesMut::from(&frame[..cut]);
                assert_eq!((take_frame(&mut part), part.len()), (None, cut));
            }
            let mut more = BytesMut::from(&[&frame[..], b"more"].concat()[..]);
            assert_eq!(take_frame(&mut more), Some((BINARY, vec![7; len])));
            assert_eq!(more, b"more"[..]);
        }
    }
}

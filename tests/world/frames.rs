//! Frames with an invalid header, and the limits of messages.

use std::time::Duration;

use raw_client::{
    FIN, RSV1,
    deflate::compressed,
    frame, header,
    opcode::{BINARY, CLOSE, CONTINUE, PING, PONG, TEXT},
};
use tokio::{io::DuplexStream, sync::mpsc, time::timeout};
use tower_websocket::{AcceptAll, Acceptor, Config, Deflate, Error, WebSocket};

use crate::{
    life::pair,
    peer::Peer,
    trial::{SOON, noise, soon},
};

/// Sends only these bytes. Returns the code of the Close that the peer receives, and the reader's
/// error.
async fn refused(config: Config, bytes: &[u8]) -> Result<(u16, String), String> {
    let (mut peer, mut socket) = pair(config, 1 << 20).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut error = String::new();
        while let Some(message) = socket.recv().await {
            if let Err(told) = message {
                error = told.to_string();
            }
        }
        let _ = tell.send(error);
    });
    peer.send_raw(bytes).await;
    let frame = match timeout(SOON, peer.frame()).await {
        Ok(Ok(Some(frame))) if frame.opcode() == CLOSE => frame,
        Ok(other) => return Err(format!("{other:?}")),
        Err(_) => return Err("nothing comes".to_owned()),
    };
    peer.half_close().await;
    let error = soon("the reader's error", told.recv()).await.ok_or("the reader panicked")?;
    Ok((frame.code(), error))
}

/// Returns the header of an unmasked frame.
fn unmasked(first: u8, len: u64) -> Vec<u8> {
    let mut header = header(first, len);
    header[1] &= 0x7f;
    header.truncate(header.len() - 4);
    header
}

/// Only these bytes are sent in each row, and the answer does not wait for more. `max_frame_size`
/// is 2^46, so that a buffer allocated by the header's length would abort the process.
#[tokio::test]
async fn malformed_frame_is_rejected_by_its_header() {
    const PETABYTE: u64 = 1 << 45;
    let mut wrong = Vec::new();
    let mut rows: Vec<(String, Vec<u8>)> = Vec::new();
    for len in [126, 127, 65_535, 65_536, 1 << 20, PETABYTE, 1 << 62] {
        for (name, opcode) in [("ping", PING), ("pong", PONG), ("Close", CLOSE)] {
            rows.push((format!("a {name} of {len} bytes"), header(FIN | opcode, len)));
        }
        rows.push((format!("an unmasked binary frame of {len} bytes"), unmasked(FIN | BINARY, len)));
        rows.push((format!("an unmasked text of {len} bytes"), unmasked(FIN | TEXT, len)));
        rows.push((format!("RSV1 without an extension, {len} bytes"), header(FIN | RSV1 | BINARY, len)));
        rows.push((format!("RSV2, {len} bytes"), header(FIN | 0x20 | BINARY, len)));
        rows.push((format!("RSV3, {len} bytes"), header(FIN | 0x10 | TEXT, len)));
        for opcode in [3, 7, 0xb, 0xf] {
            rows.push((format!("opcode {opcode}, {len} bytes"), header(FIN | opcode, len)));
        }
        rows.push((format!("a continuation of nothing, {len} bytes"), header(FIN | CONTINUE, len)));
        let second = [frame(BINARY, b"first"), header(FIN | BINARY, len)].concat();
        rows.push((format!("a message inside a message, {len} bytes"), second));
        let ping = [frame(BINARY, b"first"), header(FIN | PING, len)].concat();
        rows.push((format!("a ping of {len} bytes inside a message"), ping));
    }
    rows.push(("a fragmented ping".to_owned(), header(PING, 10)));
    rows.push(("a fragmented Close".to_owned(), header(CLOSE, 2)));
    rows.push(("a length with its highest bit set".to_owned(), header(FIN | BINARY, 1 << 63)));
    for max_frame_size in [1 << 46, 1 << 20] {
        for (name, bytes) in &rows {
            let config = Config::new().max_frame_size(max_frame_size).max_message_size(max_frame_size);
            match refused(config, bytes).await {
                Ok((1002, error)) if !error.is_empty() => {}
                other => wrong.push(format!("{name}, max_frame_size {max_frame_size}: {other:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} rows are not refused with 1002:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn oversized_data_frame_is_rejected_by_its_header() {
    let mut wrong = Vec::new();
    for (name, config, bytes) in [
        ("a frame over max_frame_size", Config::new().max_frame_size(1000), header(FIN | BINARY, 1001)),
        ("a frame over max_message_size", Config::new().max_message_size(1000), header(FIN | BINARY, 1001)),
        ("a frame of 2^62", Config::new(), header(FIN | TEXT, 1 << 62)),
        (
            "a fragment over the rest of the limit",
            Config::new().max_message_size(1000),
            [frame(BINARY, &[1; 600]), header(CONTINUE, 401)].concat(),
        ),
        (
            "the last fragment over the rest of the limit",
            Config::new().max_message_size(1000),
            [frame(BINARY, &[1; 600]), frame(CONTINUE, &[1; 400]), header(FIN | CONTINUE, 1)].concat(),
        ),
    ] {
        match refused(config, &bytes).await {
            Ok((1009, error)) if !error.is_empty() => {}
            other => wrong.push(format!("{name}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "not refused with 1009:\n{}", wrong.join("\n"));
}

/// An unfinished message is held only up to the limit: a frame that exceeds it is rejected before
/// its payload is read.
#[tokio::test]
async fn unfinished_message_is_held_only_up_to_the_limit() {
    const LIMIT: usize = 100_000;
    let config = Config::new().max_message_size(LIMIT).max_frame_size(LIMIT);
    let (mut peer, mut socket) = pair(config, 1 << 10).await;
    tokio::spawn(async move { while socket.recv().await.is_some() {} });
    peer.send(BINARY, vec![1; LIMIT - 10]).await;
    // All but one byte of another frame of the full size.
    let second = frame(CONTINUE, &vec![1; LIMIT]);
    let mut taken = 0;
    for chunk in second[..second.len() - 1].chunks(100) {
        match timeout(Duration::from_millis(300), peer.try_send_raw(chunk)).await {
            Ok(Ok(())) => taken += chunk.len(),
            _ => break,
        }
        if taken > 3000 {
            break;
        }
    }
    let close = timeout(SOON, peer.frame()).await;
    let code = close.ok().and_then(Result::ok).flatten().map(|frame| frame.code());
    assert_eq!(code, Some(1009), "after {taken} bytes of a fragment that cannot be taken");
}

async fn deflating(limit: usize) -> (Peer, WebSocket<DuplexStream>) {
    let (io, server) = tokio::io::duplex(64 << 10);
    let config = Config::new().deflate(Deflate::new()).max_message_size(limit).max_frame_size(limit);
    let acceptor = Acceptor::new(AcceptAll).with_config(config);
    let (peer, accepted) = tokio::join!(Peer::open(io, Some("permessage-deflate")), acceptor.accept(server));
    (peer.expect("it opens"), accepted.expect("it opens").0)
}

/// The limit applies to the message. On the wire, the overhead of deflate is added.
#[tokio::test]
async fn message_of_the_limit_may_be_longer_compressed() {
    for limit in [1000, 65_536, 1 << 20] {
        // Level 0 only stores, as some clients do with incompressible data. Tested with large and
        // small fragments.
        for level in [0, 1, 6, 9] {
            for fragment in [usize::MAX, 16_384] {
                let message = noise(level.into(), limit);
                let payload = compressed(&message, level);
                let context = format!("{limit} bytes, {} compressed at level {level}", payload.len());
                assert!(payload.len() > limit, "{context}: noise does not compress");
                let (mut peer, mut socket) = deflating(limit).await;
                let sending = tokio::spawn(async move {
                    let chunks: Vec<_> = payload.chunks(fragment).collect();
                    for (n, chunk) in chunks.iter().enumerate() {
                        let opcode = if n == 0 { RSV1 | BINARY } else { CONTINUE };
                        let fin = if n + 1 == chunks.len() { FIN } else { 0 };
                        if peer.try_send_raw(&frame(fin | opcode, chunk)).await.is_err() {
                            break;
                        }
                    }
                    peer
                });
                let received = soon(&context, socket.recv()).await.expect("something comes");
                let received =
                    received.unwrap_or_else(|error| panic!("{context}, fragments of {fragment}: {error}"));
                assert!(received.into_data() == message, "{context}");
                drop(sending.await.expect("the peer does not panic"));
            }
        }
    }
}

/// One byte more is too much, however well it compresses.
#[tokio::test]
async fn message_over_the_limit_is_rejected_however_compressed() {
    for message in [vec![0; 65_537], noise(1, 65_537)] {
        let (mut peer, mut socket) = deflating(65_536).await;
        let payload = compressed(&message, 6);
        let sending = tokio::spawn(async move {
            let _ = peer.try_send_raw(&frame(FIN | RSV1 | BINARY, &payload)).await;
            peer
        });
        let received = soon("the refusal", socket.recv()).await.expect("something comes");
        assert!(matches!(received, Err(Error::Capacity(_))), "{received:?}");
        // The Close is sent while the socket is read.
        let reading = tokio::spawn(async move { while socket.recv().await.is_some() {} });
        let mut peer = sending.await.expect("the peer does not panic");
        assert_eq!(soon("the Close", peer.next_close()).await, 1009);
        drop(peer);
        soon("the end", reading).await.expect("the reader does not panic");
    }
}

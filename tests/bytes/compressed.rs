//! Chunks of compressed messages.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use raw_client::{
    FIN, RSV1,
    deflate::{Deflater, Inflater, NO_TAKEOVER, TAKEOVER},
    opcode::{BINARY, CONTINUE, TEXT},
};
use tokio::{io::AsyncReadExt, time::timeout};
use tower_websocket::{Config, Deflate};

use crate::pair::{Client, pair_with};

fn config() -> Config {
    Config::new()
        .deflate(Deflate::new().context_takeover(true))
        .receive_in_chunks(true)
        .max_message_size(1000)
}

/// JSON, which compresses well, and noise, which does not.
fn payloads() -> Vec<Vec<u8>> {
    let json: String = (0..20_000).map(|n| format!("{{\"id\": {n}, \"name\": \"näme {n}\"}},")).collect();
    let mut seed = 1_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    };
    let noise = (0..300_000).map(|_| next()).collect();
    vec![json.clone().into_bytes(), noise, b"x".to_vec(), vec![0; 2_000_000], json.into_bytes()]
}

/// Returns the first byte of the next message, which shows whether it is compressed, and its
/// payload.
async fn message(client: &mut Client) -> (u8, Vec<u8>) {
    let (first, mut payload) = client.recv().await;
    assert_ne!(first & 0x0f, CONTINUE);
    let mut last = first;
    while last & FIN == 0 {
        let (next, more) = client.recv().await;
        assert_eq!(next & !FIN, CONTINUE, "only the first frame says that it is compressed");
        assert!(more.len() <= 64 << 10);
        payload.extend(more);
        last = next;
    }
    (first & !FIN, payload)
}

#[tokio::test]
async fn sent_chunks_share_the_compression_window() {
    for (offer, takeover) in [(TAKEOVER, true), (NO_TAKEOVER, false)] {
        let (mut client, mut socket) = pair_with(config(), offer).await;
        let sending = tokio::spawn(async move {
            for payload in payloads() {
                let chunks: Vec<_> = payload.chunks(7_000).map(|chunk| Ok(chunk.to_vec())).collect();
                socket.send_chunks(stream::iter(chunks)).await.unwrap();
                // A single chunk, large chunks, and whole messages share the compression window.
                socket.send_chunks(stream::iter([Ok(payload.clone())])).await.unwrap();
                socket.send(payload).await.unwrap();
            }
            socket.send_text_chunks(stream::iter(["ä", "€"].map(Ok))).await.unwrap();
            socket.send_chunks(stream::empty::<std::io::Result<Vec<u8>>>()).await.unwrap();
            socket
        });
        let mut inflater = Inflater::new(takeover, 15);
        let mut sizes = Vec::new();
        for payload in payloads() {
            for nth in 0..3 {
                let (first, compressed) = message(&mut client).await;
                assert!(first == RSV1 | BINARY || nth == 2 && first == BINARY);
                sizes.push((payload.len(), compressed.len()));
                let inflated = if first == BINARY { compressed } else { inflater.message(&compressed) };
                assert!(inflated == payload, "{} bytes, {offer}", payload.len());
            }
        }
        // In chunks it is not much larger than as one message.
        assert!(sizes[0].1 < sizes[0].0 / 3, "{sizes:?}");
        let (first, compressed) = message(&mut client).await;
        assert_eq!((first, inflater.message(&compressed)), (RSV1 | TEXT, "ä€".as_bytes().to_vec()));
        assert_eq!(message(&mut client).await, (BINARY, Vec::new()));
        drop(sending.await.unwrap());
    }
}

#[tokio::test]
async fn compressed_messages_arrive_in_chunks() {
    for (offer, takeover) in [(TAKEOVER, true), (NO_TAKEOVER, false)] {
        let (mut client, mut socket) = pair_with(config(), offer).await;
        let sending = tokio::spawn(async move {
            let mut deflater = Deflater::new(takeover);
            for payload in payloads() {
                let compressed = deflater.message(&payload);
                let (start, end) = compressed.split_at(compressed.len() / 2);
                client.send(RSV1 | BINARY, start).await;
                client.send(FIN | CONTINUE, end).await;
                client.send(FIN | RSV1 | BINARY, deflater.message(b"whole")).await;
            }
            client
        });
        for payload in payloads() {
            let mut chunks = socket.recv_chunks().await.unwrap().unwrap();
            let mut received = Vec::new();
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.unwrap();
                assert!(chunk.len() <= 64 << 10);
                received.extend_from_slice(&chunk);
            }
            assert!(received == payload);
            drop(chunks);
            assert_eq!(socket.recv().await.unwrap().unwrap().into_data(), "whole");
        }
        drop(sending.await.unwrap());
    }
}

#[tokio::test]
async fn unstarted_message_does_not_affect_the_next() {
    let (mut client, mut socket) = pair_with(config().max_write_buffer_size(1000), TAKEOVER).await;
    let noise = payloads().swap_remove(1);
    // The buffers of the system and of the socket are full.
    while timeout(Duration::from_millis(100), socket.send(noise.clone())).await.is_ok() {}
    let chunks = stream::iter([Ok("known ".repeat(100))]);
    assert!(timeout(Duration::from_millis(50), socket.send_text_chunks(chunks)).await.is_err());
    assert!(!socket.is_closed(), "nothing of it was sent");
    let sending = tokio::spawn(async move {
        socket.send_text_chunks(stream::iter([Ok("known ".repeat(100))])).await.unwrap();
        socket
    });
    let mut inflater = Inflater::new(true, 15);
    loop {
        let (first, payload) = message(&mut client).await;
        if first == RSV1 | TEXT {
            assert_eq!(inflater.message(&payload), "known ".repeat(100).as_bytes());
            break;
        }
        assert!(first != BINARY || payload == noise);
    }
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn byte_stream_inflates_messages() {
    let (mut client, socket) = pair_with(config(), TAKEOVER).await;
    let payload = payloads().swap_remove(0);
    client.send(FIN | RSV1 | BINARY, Deflater::new(true).message(&payload)).await;
    client.send_close(1000).await;
    let mut read = Vec::new();
    socket.into_byte_stream().read_to_end(&mut read).await.unwrap();
    assert!(read == payload);
}

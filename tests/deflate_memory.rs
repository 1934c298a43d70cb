//! The memory that compression needs. The test has its own process, whose memory is measured.
#![cfg(target_os = "linux")]

use std::mem;

use futures_util::{FutureExt, stream};
use own_process::{peak, reset_peak, resident};
use raw_client::{
    RSV1,
    deflate::compressed,
    frame, opening,
    whole::{BINARY, TEXT},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tower_websocket::{AcceptAll, Acceptor, Config, Deflate, Error, WebSocket};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn neither_a_bomb_nor_a_peer_that_waits_costs_memory() {
    a_bomb_ends_with_1009_and_flat_memory().await;
    a_connection_that_waits_costs_as_much_as_a_plain_one().await;
    for takeover in [false, true] {
        messages_that_wait_take_what_the_limit_allows(takeover).await;
    }
}

/// 200 MiB of zeros in a message of 200 KiB, with the default limits.
async fn a_bomb_ends_with_1009_and_flat_memory() {
    let bomb = compressed(&vec![0; 200 * MIB], 9);
    assert!(bomb.len() < MIB / 4, "it passes as a frame");
    let (mut io, mut socket) = open(Config::new().deflate(Deflate::new())).await;
    // Memory that is allocated once and kept is allocated here.
    io.write_all(&frame(RSV1 | BINARY, &compressed(&[1; 100_000], 9))).await.unwrap();
    assert_eq!(socket.recv().await.unwrap().unwrap().len(), 100_000);

    reset_peak();
    let before = peak();
    io.write_all(&frame(RSV1 | BINARY, &bomb)).await.unwrap();
    assert!(matches!(socket.recv().await.unwrap(), Err(Error::Capacity(_))));
    let grown = peak() - before;
    eprintln!("a bomb of 200 MiB: {} KiB more at the peak", grown >> 10);
    assert!(grown < 4 * MIB, "{grown} bytes");
    let mut close = [0; 4];
    io.read_exact(&mut close).await.unwrap();
    assert_eq!(close, [0x88, 2, 0x03, 0xf1], "Close 1009");
}

/// After one message in each direction.
async fn a_connection_that_waits_costs_as_much_as_a_plain_one() {
    const COUNT: usize = 2000;
    let message = "{\"id\": 12345, \"name\": \"a name\"},".repeat(15);
    let mut figures = Vec::new();
    let mut all = Vec::new();
    // The first connections allocate the shared memory.
    for (config, first, payload, count) in [
        (Config::new().deflate(Deflate::new()), RSV1 | TEXT, compressed(message.as_bytes(), 9), 50),
        (Config::new(), TEXT, message.as_bytes().to_vec(), COUNT),
        (Config::new().deflate(Deflate::new()), RSV1 | TEXT, compressed(message.as_bytes(), 9), COUNT),
    ] {
        let frame = frame(first, &payload);
        let before = resident();
        for _ in 0..count {
            let (mut io, mut socket) = open(config.clone()).await;
            io.write_all(&frame).await.unwrap();
            let received = socket.recv().await.unwrap().unwrap();
            assert_eq!(received.to_text().unwrap(), message);
            socket.send(received).await.unwrap();
            assert_eq!(io.read_u8().await.unwrap(), first);
            let mut rest = vec![0; 1024];
            assert!(io.read(&mut rest).await.unwrap() > 0);
            all.push((io, socket));
        }
        figures.push(resident().saturating_sub(before) / count);
    }
    eprintln!("a connection that waits: {} bytes plain, {} bytes compressed", figures[1], figures[2]);
    assert!(figures[2] < figures[1] + 1024, "{figures:?}");
}

/// Compressed messages are much smaller than the buffer they are compressed into.
async fn messages_that_wait_take_what_the_limit_allows(takeover: bool) {
    const LIMIT: usize = 256 << 10;
    const COUNT: usize = 8;
    let deflate = Deflate::new().context_takeover(takeover);
    let config = Config::new().deflate(deflate).max_write_buffer_size(LIMIT).keepalive_interval(None);
    let blank = " ".repeat(8192);
    let line = "{\"type\":\"tick\",\"ok\":true}".repeat(20);
    for (text, is_in_chunks) in [(&blank, false), (&line, false), (&blank, true)] {
        let mut all = Vec::new();
        for _ in 0..COUNT {
            let (io, mut socket) = open_over(4096, config.clone()).await;
            // The compressor and the buffers of the socket are allocated here.
            socket.send(&**text).await.unwrap();
            all.push((io, socket));
        }
        // Memory that is freed here would be used again below.
        let all = all.leak();
        let mut sending = Vec::new();
        let before = resident();
        for (_, socket) in all {
            if is_in_chunks {
                let chunks = stream::repeat_with(|| Ok(text.clone()));
                sending.push(Box::pin(socket.send_text_chunks(chunks)));
                assert!(sending.last_mut().unwrap().now_or_never().is_none(), "it waits for space");
            } else {
                while socket.try_send(&**text).is_ok() {}
            }
        }
        let each = resident().saturating_sub(before) / COUNT;
        eprintln!(
            "{} bytes, takeover {takeover}, chunks {is_in_chunks}: {} KiB wait",
            text.len(),
            each >> 10
        );
        assert!(each < 4 * LIMIT, "{each} bytes");
        mem::forget(sending);
    }
}

async fn open(config: Config) -> (DuplexStream, WebSocket<DuplexStream>) {
    open_over(MIB, config).await
}

async fn open_over(capacity: usize, config: Config) -> (DuplexStream, WebSocket<DuplexStream>) {
    let (mut io, server) = tokio::io::duplex(capacity);
    let acceptor = Acceptor::new(AcceptAll).with_config(config);
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let (accepted, opened) = tokio::join!(acceptor.accept(server), opening::open(&mut io, "/", offer));
    opened.unwrap();
    (io, accepted.unwrap().0)
}

//! Messages in pieces. A closing handshake discards some of the pieces.

use std::time::Duration;

use raw_client::frame;
use tokio::{
    io::{AsyncWriteExt, DuplexStream},
    time::{sleep, timeout},
};
use tower_websocket::{CloseCode, Config, Message, WebSocket};

use crate::piped;

const MOMENT: Duration = Duration::from_millis(200);

async fn in_pieces() -> (DuplexStream, WebSocket<DuplexStream>) {
    piped(Config::new().receive_in_chunks(true), 1 << 16).await
}

/// Closes while the client sends `frames`, and drops the future.
async fn begin_to_close(socket: &mut WebSocket<DuplexStream>, client: &mut DuplexStream, frames: &[u8]) {
    let closing = timeout(MOMENT, socket.close(CloseCode::NORMAL, ""));
    let sending = async {
        sleep(MOMENT / 2).await;
        client.write_all(frames).await.unwrap();
    };
    assert!(tokio::join!(closing, sending).0.is_err());
}

async fn received(socket: &mut WebSocket<DuplexStream>) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Ok(Some(message)) = timeout(MOMENT, socket.recv()).await {
        messages.push(message.unwrap());
    }
    messages
}

/// If a part of a message was discarded, nothing of the message is received.
#[tokio::test(start_paused = true)]
async fn dropped_close_discards_whole_messages() {
    for end in [frame(0x80, b"end").to_vec(), [frame(0, b"more"), frame(0x80, b"end")].concat()] {
        let (mut client, mut socket) = in_pieces().await;
        begin_to_close(&mut socket, &mut client, &frame(0x01, b"begin ")).await;
        client.write_all(&[end, frame(0x81, b"next").to_vec()].concat()).await.unwrap();
        assert_eq!(received(&mut socket).await, [Message::text("next")]);
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_close_does_not_join_the_parts_around_it() {
    let (mut client, mut socket) = in_pieces().await;
    client.write_all(&frame(0x01, b"one ")).await.unwrap();
    assert!(timeout(MOMENT, socket.recv()).await.is_err());
    begin_to_close(&mut socket, &mut client, &frame(0x00, b"two ")).await;
    client.write_all(&[frame(0x80, b"three"), frame(0x81, b"next")].concat()).await.unwrap();
    assert_eq!(received(&mut socket).await, [Message::text("next")]);
}

/// The end of a skipped message was discarded, so the next message is a new one.
#[tokio::test(start_paused = true)]
async fn dropped_close_after_dropped_chunks_hides_no_message() {
    let (mut client, mut socket) = in_pieces().await;
    client.write_all(&frame(0x01, b"one ")).await.unwrap();
    drop(socket.recv_chunks().await.unwrap().unwrap());
    begin_to_close(&mut socket, &mut client, &frame(0x80, b"two")).await;
    client.write_all(&[frame(0x01, b"ne"), frame(0x80, b"xt")].concat()).await.unwrap();
    assert_eq!(received(&mut socket).await, [Message::text("next")]);
}

//! The frames that a client sends.

use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncReadExt;
use tower_websocket::{Config, Message};
use tungstenite::protocol::frame::{
    Frame, FrameHeader,
    coding::{Data, OpCode},
};

use tower_websocket::tungstenite;

use crate::raw_server::open;

#[tokio::test]
async fn each_frame_has_its_own_key() {
    let (mut socket, mut server) = open(Config::new().keepalive_interval(None)).await;
    let mut keys = HashSet::new();
    for _ in 0..200 {
        socket.send("same").await.unwrap();
        let mut frame = [0; 10];
        server.io.read_exact(&mut frame).await.unwrap();
        assert_eq!(frame[..2], [0x81, 0x84]);
        let key = [frame[2], frame[3], frame[4], frame[5]];
        let payload: Vec<_> = frame[6..].iter().zip(key).map(|(byte, key)| byte ^ key).collect();
        assert_eq!(payload, b"same");
        keys.insert(key);
    }
    // Among 200 random numbers of 32 bits, more than two are equal once in 10^11 times.
    assert!(keys.len() >= 199, "{}", keys.len());
}

#[tokio::test]
async fn messages_of_all_kinds_and_sizes_arrive() {
    for max in [None, Some(1000), Some(64 * 1024)] {
        let config = Config::new().max_outgoing_frame_size(max).max_write_buffer_size(10 << 20);
        let (mut socket, mut server) = open(config).await;
        let large: Bytes = (0..3_000_000_u32).map(|i| (i * 7) as u8).collect();
        let kept = large.clone();
        let text = "é".repeat(40_000);
        let opcode = OpCode::Data(Data::Binary);
        let header = FrameHeader { opcode, mask: Some([9; 4]), ..FrameHeader::default() };
        let messages = [
            Message::text("small"),
            Message::Binary(large.clone()),
            Message::text(text.clone()),
            Message::Ping("ping".into()),
            Message::Frame(Frame::from_payload(header, "raw".into())),
            Message::Pong("pong".into()),
        ];
        let sending = tokio::spawn(async move {
            for message in messages {
                socket.send(message).await.unwrap();
            }
            socket.flush().await.unwrap();
            socket
        });
        let (mut data, mut control) = (Vec::new(), Vec::new());
        let mut current = Vec::new();
        while data.len() < 4 || control.len() < 2 {
            let (first, payload) = server.frame().await.unwrap();
            assert!(max.is_none_or(|max| payload.len() <= max));
            if first & 0x08 != 0 {
                control.push((first, payload));
                continue;
            }
            current.extend(payload);
            if first & 0x80 != 0 {
                data.push(std::mem::take(&mut current));
            }
        }
        assert!(data[0] == b"small" && data[1] == large && data[2] == text.as_bytes() && data[3] == b"raw");
        assert_eq!(control, [(0x89, b"ping".to_vec()), (0x8a, b"pong".to_vec())]);
        // The application's bytes are unchanged.
        assert!(kept.iter().enumerate().all(|(i, byte)| *byte == (i as u32 * 7) as u8));
        drop(sending.await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_and_an_idle_server_is_pinged() {
    let (mut socket, mut server) = open(Config::new().keepalive_interval(Duration::from_secs(7))).await;
    let receiving = tokio::spawn(async move { socket.recv_data().await });
    server.send(0x89, b"are you there").await;
    assert_eq!(server.frame().await.unwrap(), (0x8a, b"are you there".to_vec()));
    let start = tokio::time::Instant::now();
    let (first, payload) = server.frame().await.unwrap();
    assert_eq!((first, start.elapsed()), (0x89, Duration::from_secs(7)));
    server.send(0x8a, &payload).await;
    server.send(0x82, b"data").await;
    assert_eq!(receiving.await.unwrap().unwrap().unwrap(), Message::binary("data"));
}

#[tokio::test(start_paused = true)]
async fn server_that_does_not_answer_pings_is_disconnected() {
    let (mut socket, mut server) = open(Config::new()).await;
    let receiving = tokio::spawn(async move { socket.recv_data().await });
    assert_eq!(server.frame().await.unwrap().0, 0x89);
    let (first, payload) = server.frame().await.unwrap();
    assert_eq!((first, &payload[..2]), (0x88, &b"\x03\xf3"[..]));
    assert!(receiving.await.unwrap().unwrap().is_err());
}

/// tokio-tungstenite's stream continues as a client, and first returns the received messages that
/// were not taken.
#[tokio::test]
async fn inner_stream_is_a_client() {
    let (mut socket, mut server) = open(Config::new()).await;
    for text in ["one", "two", "three"] {
        server.send(0x81, text.as_bytes()).await;
    }
    assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("one"));
    let mut stream = socket.into_inner().await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), Message::text("two"));
    assert_eq!(stream.next().await.unwrap().unwrap(), Message::text("three"));
    stream.send(Message::text("four")).await.unwrap();
    assert_eq!(server.frame().await.unwrap(), (0x81, b"four".to_vec()));
}

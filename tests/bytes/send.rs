//! Sending messages in chunks.

use std::{
    io::{self, ErrorKind},
    time::Duration,
};

use futures_util::stream::{self, Stream, StreamExt};
use raw_client::{
    FIN,
    opcode::{BINARY, CONTINUE, TEXT},
    whole,
};
use tokio::{sync::mpsc, time::timeout};
use tower_websocket::{Config, Error};

use crate::pair::pair;

fn chunks(chunks: &[&'static str]) -> impl Stream<Item = io::Result<&'static [u8]>> {
    stream::iter(chunks.to_vec()).map(|chunk| Ok(chunk.as_bytes()))
}

#[tokio::test]
async fn each_chunk_is_sent_as_a_fragment() {
    let (mut client, mut socket) = pair(Config::new()).await;
    socket.send_chunks(chunks(&["ab", "", "c"])).await.unwrap();
    socket.send("between").await.unwrap();
    socket.send_text_chunks(stream::iter(["ä", "€"].map(Ok))).await.unwrap();
    socket.send_chunks(chunks(&[])).await.unwrap();
    socket.send_text_chunks(stream::empty::<io::Result<&str>>()).await.unwrap();
    for (first, payload) in [
        (BINARY, "ab"),
        (CONTINUE, "c"),
        (FIN | CONTINUE, ""),
        (FIN | TEXT, "between"),
        (TEXT, "ä"),
        (CONTINUE, "€"),
        (FIN | CONTINUE, ""),
        (FIN | BINARY, ""),
        (FIN | TEXT, ""),
    ] {
        assert_eq!(client.recv().await, (first, payload.as_bytes().to_vec()));
    }
}

#[tokio::test]
async fn large_chunks_are_split_between_characters() {
    let (mut client, mut socket) = pair(Config::new().max_outgoing_frame_size(10)).await;
    let text = "€".repeat(20);
    socket.send_text_chunks(stream::iter([Ok(text.clone())])).await.unwrap();
    socket.send_chunks(stream::iter([Ok(vec![7; 25])])).await.unwrap();
    let mut received = String::new();
    loop {
        let (first, payload) = client.recv().await;
        assert!(payload.len() <= 10);
        received += std::str::from_utf8(&payload).unwrap();
        if first & FIN != 0 {
            break;
        }
    }
    assert_eq!(received, text);
    for (first, len) in [(BINARY, 10), (CONTINUE, 10), (CONTINUE, 5), (FIN | CONTINUE, 0)] {
        assert_eq!(client.recv().await, (first, vec![7; len]));
    }
}

#[tokio::test]
async fn pings_and_pongs_are_sent_between_chunks() {
    let (mut client, socket) = pair(Config::new().keepalive_interval(Duration::from_millis(50))).await;
    let (feed, mut fed) = mpsc::unbounded_channel();
    let source = stream::poll_fn(move |cx| fed.poll_recv(cx));
    tokio::spawn(socket.drive(async |mut socket| socket.send_chunks(source).await.unwrap()));
    feed.send(Ok("one")).unwrap();
    assert_eq!(client.recv().await, (BINARY, b"one".to_vec()));
    client.send(whole::PING, "p").await;
    let (mut has_pong, mut has_ping) = (false, false);
    while !(has_pong && has_ping) {
        match client.recv().await {
            (whole::PONG, payload) => has_pong = payload == b"p",
            (whole::PING, payload) => {
                client.send(whole::PONG, payload).await;
                has_ping = true;
            }
            other => panic!("{other:?}"),
        }
    }
    feed.send(Ok("two")).unwrap();
    drop(feed);
    let mut received = Vec::new();
    while received.last() != Some(&(FIN | CONTINUE, Vec::new())) {
        let next = client.recv().await;
        if next.0 != whole::PING {
            received.push(next);
        }
    }
    assert_eq!(received[0], (CONTINUE, b"two".to_vec()));
}

#[tokio::test]
async fn close_ends_a_wait_for_the_next_chunk() {
    let (mut client, mut socket) = pair(Config::new()).await;
    let source = chunks(&["one"]).chain(stream::pending());
    let sending = tokio::spawn(async move {
        let sent = socket.send_chunks(source).await;
        (socket, sent)
    });
    assert_eq!(client.recv().await, (BINARY, b"one".to_vec()));
    client.send_close(4001).await;
    let (socket, sent) = timeout(Duration::from_secs(10), sending).await.unwrap().unwrap();
    assert!(matches!(sent, Err(Error::Protocol(_))), "{sent:?}");
    assert_eq!(client.recv_close().await, 4001);
    drop(socket);
}

#[tokio::test]
async fn error_of_the_source_closes_with_1011() {
    let (mut client, mut socket) = pair(Config::new()).await;
    let source = chunks(&["one"]).chain(stream::iter([Err(ErrorKind::PermissionDenied.into())]));
    let Err(Error::Io(error)) = socket.send_chunks(source).await else { panic!("no error") };
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(matches!(socket.send("late").await, Err(Error::Protocol(_))));
    drop(socket);
    assert_eq!(client.recv().await, (BINARY, b"one".to_vec()));
    assert_eq!(client.recv_close().await, 1011);
}

#[tokio::test]
async fn partly_sent_message_closes_with_1011() {
    let (mut client, mut socket) = pair(Config::new()).await;
    let source = chunks(&["one"]).chain(stream::pending());
    assert!(timeout(Duration::from_millis(50), socket.send_chunks(source)).await.is_err());
    assert!(socket.is_closed());
    drop(socket);
    assert_eq!(client.recv().await, (BINARY, b"one".to_vec()));
    assert_eq!(client.recv_close().await, 1011);
}

#[tokio::test]
async fn unstarted_message_keeps_the_connection_open() {
    let (mut client, mut socket) = pair(Config::new()).await;
    let source = stream::pending::<io::Result<Vec<u8>>>();
    assert!(timeout(Duration::from_millis(50), socket.send_chunks(source)).await.is_err());
    let source = stream::iter([Err::<Vec<u8>, _>(ErrorKind::NotFound.into())]);
    assert!(socket.send_chunks(source).await.is_err());
    socket.send("open").await.unwrap();
    assert_eq!(client.recv().await, (whole::TEXT, b"open".to_vec()));
}

#[tokio::test]
async fn sending_waits_for_a_stalled_peer() {
    let (mut client, mut socket) = pair(Config::new().max_write_buffer_size(100_000)).await;
    let (count, mut counted) = mpsc::unbounded_channel();
    let source = stream::iter(0..1000).map(move |n| {
        count.send(n).unwrap();
        Ok(vec![n as u8; 64 << 10])
    });
    let sending = tokio::spawn(async move {
        socket.send_chunks(source).await.unwrap();
        socket
    });
    let mut made = 0;
    while let Ok(Some(_)) = timeout(Duration::from_millis(200), counted.recv()).await {
        made += 1;
    }
    assert!(made < 900, "{made} chunks were made for a peer that takes none");
    let mut received = 0;
    loop {
        let (first, payload) = client.recv().await;
        assert!(payload.iter().all(|byte| *byte == (received >> 16) as u8));
        received += payload.len();
        if first & FIN != 0 {
            break;
        }
    }
    assert_eq!(received, 1000 << 16);
    drop(sending.await.unwrap());
}

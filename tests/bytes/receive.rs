//! Receiving messages in chunks.

use std::{io::ErrorKind, time::Duration};

use futures_util::StreamExt;
use raw_client::{
    FIN, header,
    opcode::{BINARY, CONTINUE, TEXT},
    whole,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tower_websocket::{Config, Error, Message, WebSocket, websocket::Chunks};

use crate::pair::{Client, pair};

fn config() -> Config {
    Config::new().receive_in_chunks(true).max_message_size(1000).max_frame_size(500)
}

async fn next(socket: &mut WebSocket<TcpStream>) -> Chunks<'_, TcpStream> {
    let next = timeout(Duration::from_secs(10), socket.recv_chunks()).await.expect("a message at once");
    next.expect("a message").expect("no error")
}

async fn rest(chunks: &mut Chunks<'_, TcpStream>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.recv().await {
        let chunk = chunk.unwrap();
        assert!(!chunk.is_empty());
        if chunks.is_text() {
            assert!(std::str::from_utf8(&chunk).is_ok(), "a character is cut");
        }
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

#[tokio::test]
async fn message_of_any_size_arrives_in_chunks() {
    const LEN: usize = 5_000_000;
    let (mut client, mut socket) = pair(config()).await;
    let payload: Vec<_> = (0..LEN).map(|n| (n % 253) as u8).collect();
    let sent = payload.clone();
    let sending = tokio::spawn(async move {
        client.send(FIN | BINARY, &sent).await;
        client.send(FIN | TEXT, "small").await;
        client
    });
    let mut chunks = next(&mut socket).await;
    assert!(chunks.is_binary() && !chunks.is_text());
    assert!(rest(&mut chunks).await == payload);
    assert!(chunks.recv().await.is_none(), "it stays the end");
    drop(chunks);
    let mut chunks = next(&mut socket).await;
    assert!(chunks.is_text());
    assert_eq!(rest(&mut chunks).await, b"small");
    drop(chunks);
    let mut client = sending.await.unwrap();
    client.send_close(1000).await;
    assert!(socket.recv_chunks().await.is_none());
}

#[tokio::test]
async fn chunk_arrives_before_the_rest_of_its_message() {
    let (mut client, mut socket) = pair(config()).await;
    client.send_raw(&header(FIN | BINARY, u64::MAX >> 1)).await;
    client.send_raw(&[0; 100]).await;
    let mut chunks = next(&mut socket).await;
    let mut arrived = 0;
    while arrived < 100 {
        arrived += chunks.recv().await.unwrap().unwrap().len();
    }
    client.0.shutdown().await.unwrap();
    assert!(matches!(chunks.recv().await, Some(Err(Error::Protocol(_)))));
    assert!(chunks.recv().await.is_none());
    drop(chunks);
    assert!(socket.recv_chunks().await.is_none());
}

#[tokio::test]
async fn characters_and_pings_may_be_between_fragments() {
    let (mut client, mut socket) = pair(config()).await;
    let text = "aä€𝄞".as_bytes();
    client.send(TEXT, "").await;
    for byte in text {
        client.send(CONTINUE, [*byte]).await;
        client.send(whole::PING, [*byte]).await;
    }
    client.send(FIN | CONTINUE, "").await;
    let mut chunks = next(&mut socket).await;
    assert_eq!(rest(&mut chunks).await, text);
    drop(chunks);
    for empty in [&[(FIN | TEXT, "")][..], &[(BINARY, ""), (FIN | CONTINUE, "")]] {
        for (first, payload) in empty {
            client.send(*first, payload).await;
        }
        let mut chunks = next(&mut socket).await;
        assert_eq!(chunks.is_text(), empty.len() == 1);
        assert!(chunks.next().await.is_none());
    }
    let pongs = async {
        for byte in text {
            assert_eq!(client.recv().await, (whole::PONG, vec![*byte]));
        }
    };
    // Without a driver, they are written while the socket is used.
    tokio::select! {
        () = pongs => {}
        received = socket.recv() => panic!("{received:?}"),
    }
}

#[tokio::test]
async fn malformed_text_is_rejected_after_its_valid_part() {
    let (mut client, mut socket) = pair(config()).await;
    client.send(TEXT, "good").await;
    client.send(FIN | CONTINUE, b"bad\xff").await;
    let mut chunks = next(&mut socket).await;
    assert_eq!(chunks.recv().await.unwrap().unwrap(), "good");
    assert!(matches!(chunks.recv().await, Some(Err(Error::Utf8(_)))));
    assert!(chunks.recv().await.is_none());
    drop(chunks);
    assert_eq!(client.recv_close().await, 1007);
}

/// A part of a message must not be taken for the whole message.
#[tokio::test]
async fn close_inside_a_message_is_an_error() {
    let (mut client, mut socket) = pair(config()).await;
    client.send(BINARY, "part").await;
    client.send_close(1000).await;
    let mut chunks = next(&mut socket).await;
    assert_eq!(chunks.recv().await.unwrap().unwrap(), "part");
    let Some(Err(Error::Io(error))) = chunks.recv().await else { panic!("no error") };
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(chunks.recv().await.is_none());
}

#[tokio::test]
async fn whole_messages_and_chunks_alternate() {
    let (mut client, mut socket) = pair(config()).await;
    for n in 0..3 {
        client.send(TEXT, "na").await;
        client.send(whole::PING, "").await;
        client.send(FIN | CONTINUE, "me").await;
        client.send(BINARY, [n; 2000]).await;
        client.send(FIN | CONTINUE, [n; 3000]).await;
        client.send(FIN | BINARY, "end").await;
    }
    for n in 0..3 {
        assert!(socket.recv().await.unwrap().unwrap().is_ping());
        assert_eq!(socket.recv_data().await.unwrap().unwrap(), Message::text("name"));
        assert!(rest(&mut next(&mut socket).await).await == [n; 5000]);
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::binary("end".as_bytes()));
    }
}

#[tokio::test]
async fn oversized_whole_message_is_rejected() {
    for is_fragmented in [false, true] {
        let (mut client, mut socket) = pair(config()).await;
        client.send(FIN | BINARY, [1; 1000]).await;
        if is_fragmented {
            client.send(BINARY, [1; 900]).await;
            client.send(CONTINUE, [1; 101]).await;
        } else {
            client.send(FIN | BINARY, [1; 1001]).await;
        }
        assert_eq!(socket.recv().await.unwrap().unwrap().len(), 1000);
        assert!(matches!(socket.recv().await, Some(Err(Error::Capacity(_)))), "{is_fragmented}");
        assert!(socket.recv().await.is_none());
        assert_eq!(client.recv_close().await, 1009);
    }
}

#[tokio::test]
async fn rest_of_dropped_chunks_is_skipped() {
    let (mut client, mut socket) = pair(config()).await;
    for taken in 0..3 {
        for n in 0..4 {
            client.send(if n == 0 { BINARY } else { CONTINUE }, [n; 10]).await;
        }
        // The rest arrives after the chunks are dropped.
        let mut chunks = next(&mut socket).await;
        for _ in 0..taken {
            chunks.recv().await.unwrap().unwrap();
        }
        drop(chunks);
        client.send(FIN | CONTINUE, "rest").await;
        client.send(FIN | TEXT, "next").await;
        if taken == 1 {
            assert_eq!(rest(&mut next(&mut socket).await).await, b"next");
        } else {
            assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("next"));
        }
    }
}

#[tokio::test]
async fn message_begun_whole_continues_in_chunks() {
    let (mut client, mut socket) = pair(config()).await;
    client.send(TEXT, "begun, ").await;
    assert!(timeout(Duration::from_millis(50), socket.recv()).await.is_err());
    client.send(FIN | CONTINUE, "ended").await;
    let mut chunks = next(&mut socket).await;
    assert!(chunks.is_text());
    assert_eq!(rest(&mut chunks).await, b"begun, ended");
}

#[tokio::test]
async fn dropped_recv_loses_no_chunk() {
    let (mut client, mut socket) = pair(config()).await;
    let mut received = Vec::new();
    client.send(BINARY, [0]).await;
    let mut chunks = next(&mut socket).await;
    for n in 1..100 {
        tokio::select! {
            biased;
            chunk = chunks.recv() => received.extend(chunk.unwrap().unwrap()),
            () = std::future::ready(()) => {}
        }
        client.send(CONTINUE, [n]).await;
    }
    client.send(FIN | CONTINUE, "").await;
    received.extend(rest(&mut chunks).await);
    assert_eq!(received, (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn message_is_one_chunk_without_the_setting() {
    let (mut client, mut socket) = pair(Config::new().max_message_size(1000)).await;
    client.send(BINARY, [1; 500]).await;
    client.send(FIN | CONTINUE, [1; 500]).await;
    client.send(FIN | BINARY, [1; 1001]).await;
    let mut chunks = next(&mut socket).await;
    assert_eq!(chunks.recv().await.unwrap().unwrap().len(), 1000);
    assert!(chunks.recv().await.is_none());
    drop(chunks);
    assert!(matches!(socket.recv_chunks().await, Some(Err(Error::Capacity(_)))));
    assert_eq!(client.recv_close().await, 1009);
}

#[tokio::test]
async fn split_receiver_receives_chunks() {
    let (mut client, socket) = pair(config()).await;
    let (sender, mut receiver) = socket.split();
    client.send(BINARY, [1; 2000]).await;
    client.send(FIN | CONTINUE, [1; 2000]).await;
    let mut chunks = receiver.recv_chunks().await.unwrap().unwrap();
    assert_eq!(rest(&mut chunks).await, [1; 4000]);
    drop((chunks, sender));
    assert_eq!(client.recv_close().await, 1000);
}

/// tokio-tungstenite's stream gets the data that was received in advance, as frames.
#[tokio::test]
async fn untaken_chunks_are_passed_to_the_stream() {
    let (mut client, socket) = pair(config()).await;
    client.send(TEXT, "one ").await;
    client.send(FIN | CONTINUE, "two").await;
    client.send(FIN | TEXT, "three").await;
    let (received, receive) = tokio::sync::oneshot::channel();
    let driver = tokio::spawn(socket.drive(async |socket| {
        receive.await.unwrap();
        let mut stream = socket.into_inner().await.unwrap();
        for text in ["one two", "three"] {
            assert_eq!(stream.next().await.unwrap().unwrap(), Message::text(text));
        }
    }));
    tokio::time::sleep(Duration::from_millis(50)).await;
    received.send(()).unwrap();
    driver.await.unwrap();
}

/// A stream of bytes has no messages, so the limits of messages do not apply.
#[tokio::test]
async fn byte_stream_accepts_messages_of_any_size() {
    let (mut client, mut socket) = pair(Config::new().max_message_size(1000)).await;
    client.send(BINARY, [1; 900]).await;
    // Half of it has arrived when the socket becomes a stream.
    assert!(timeout(Duration::from_millis(50), socket.recv()).await.is_err());
    let mut stream = socket.into_byte_stream();
    let sending = tokio::spawn(async move {
        client.send(CONTINUE, vec![1; 3_000_000]).await;
        client.send(FIN | CONTINUE, [1; 5]).await;
        client.send_close(1000).await;
        client
    });
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.unwrap();
    assert!(read == vec![1; 3_000_905]);
    drop(sending.await.unwrap());
    let (mut client, socket): (Client, _) = pair(Config::new()).await;
    client.send(TEXT, "begins as text").await;
    let error = socket.into_byte_stream().read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(client.recv_close().await, 1003);
}

/// Its beginning was received for a whole message, whose receiver was dropped.
#[tokio::test]
async fn byte_stream_begins_with_the_beginning_of_a_message() {
    for first in [BINARY, TEXT] {
        let (mut client, mut socket) = pair(config()).await;
        client.send(first, "one ").await;
        assert!(timeout(Duration::from_millis(50), socket.recv()).await.is_err());
        let mut stream = socket.into_byte_stream();
        client.send(FIN | CONTINUE, "two").await;
        let mut bytes = [0; 7];
        let read = stream.read_exact(&mut bytes).await;
        if first == TEXT {
            assert_eq!(read.unwrap_err().kind(), ErrorKind::InvalidData);
            assert_eq!(client.recv_close().await, 1003);
        } else {
            assert!(read.is_ok() && bytes == *b"one two", "{bytes:?}");
        }
    }
}

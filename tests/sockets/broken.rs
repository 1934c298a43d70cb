//! Peers that disappear.

use raw_client::{
    frame, header_with_mask,
    whole::{BINARY, CLOSE, TEXT},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};
use tower_websocket::{Config, Error, Message, WebSocket};

use crate::server::{connect, echo, start};

#[tokio::test]
async fn reset_gives_one_error_after_earlier_messages() {
    let (events, mut received) = mpsc::unbounded_channel();
    let (addr, shutdown) = start(Config::new(), move |mut socket: WebSocket, ()| {
        let events = events.clone();
        async move {
            while let Some(event) = socket.recv().await {
                events.send(event).unwrap();
            }
        }
    })
    .await;
    let mut client = connect(addr).await;
    client.write_all(&frame(TEXT, b"before")).await.unwrap();
    assert_eq!(received.recv().await.unwrap().unwrap(), Message::text("before"));
    client.set_zero_linger().unwrap();
    drop(client);
    let error = received.recv().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Io(_) | Error::Protocol(_)), "{error}");
    shutdown.idle().await;
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn client_that_half_closes_after_its_close_gets_the_answer() {
    let (addr, shutdown) = start(Config::new(), echo).await;
    let mut client = connect(addr).await;
    client.write_all(&frame(TEXT, b"hello")).await.unwrap();
    client.write_all(&frame(CLOSE, &1000u16.to_be_bytes())).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"\x81\x05hello\x88\x02\x03\xe8");
    shutdown.idle().await;
}

/// If the rest of its message were not read, the socket would be reset and the Close lost.
#[tokio::test]
async fn close_after_an_oversized_message_arrives() {
    let (addr, shutdown) = start(Config::new(), echo).await;
    let client = connect(addr).await;
    let (mut read, mut write) = client.into_split();
    let writer = tokio::spawn(async move {
        write.write_all(&header_with_mask(BINARY, 64 << 20, [0; 4])).await.unwrap();
        // The server reads until the end, so all of this can be written.
        for _ in 0..64 {
            write.write_all(&vec![0; 1 << 20]).await.unwrap();
        }
    });
    let mut answer = Vec::new();
    read.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"\x88\x02\x03\xf1");
    writer.await.unwrap();
    shutdown.idle().await;
}

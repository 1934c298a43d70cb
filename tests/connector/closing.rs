//! The closing handshake of a client (RFC 6455 §7.1.1).

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep, timeout},
};
use tower_websocket::{CloseCode, Config, Error, Message};

use crate::raw_server::open;

/// Checks that nothing arrives from the client for an hour.
async fn stays_open(io: &mut (impl AsyncReadExt + Unpin), time: Duration) {
    assert!(timeout(time, io.read_u8()).await.is_err(), "the client ends the stream first");
}

#[tokio::test(start_paused = true)]
async fn server_ends_the_stream_first_after_our_close() {
    let (mut socket, mut server) = open(Config::new()).await;
    let closing = tokio::spawn(async move { (socket.close(CloseCode::NORMAL, "bye").await, socket) });
    assert_eq!(server.frame().await.unwrap(), (0x88, b"\x03\xe8bye".to_vec()));
    server.send(0x88, b"\x03\xe8bye").await;
    stays_open(&mut server.io, Duration::from_secs(4)).await;
    assert!(!closing.is_finished());
    server.io.shutdown().await.unwrap();
    let (closed, socket) = closing.await.unwrap();
    closed.unwrap();
    assert!(socket.close_info().unwrap().is_clean());
    assert_eq!(server.frame().await, None);
}

#[tokio::test(start_paused = true)]
async fn server_ends_the_stream_first_after_its_own_close() {
    let (mut socket, mut server) = open(Config::new()).await;
    let receiving = tokio::spawn(async move {
        let close = socket.recv().await.unwrap().unwrap();
        assert!(socket.recv().await.is_none());
        (close, socket.close_info().unwrap().code())
    });
    server.send(0x88, b"\x0f\xa0gone").await;
    assert_eq!(server.frame().await.unwrap(), (0x88, b"\x0f\xa0gone".to_vec()));
    stays_open(&mut server.io, Duration::from_secs(4)).await;
    server.io.shutdown().await.unwrap();
    let (close, code) = receiving.await.unwrap();
    assert!(matches!(close, Message::Close(Some(frame)) if frame.reason == "gone"));
    assert_eq!((server.frame().await, code), (None, 4000));
}

/// The client has lost nothing, so this is not an error.
/// The server keeps the connection open after its Close, but no more messages will come.
#[tokio::test(start_paused = true)]
async fn reader_ends_before_the_server_ends_the_stream() {
    for cork in [true, false] {
        let (socket, mut server) = open(Config::new().cork(cork)).await;
        let start = Instant::now();
        let handler = tokio::spawn(socket.drive(async move |mut socket| {
            assert!(matches!(socket.recv().await, Some(Ok(Message::Close(_)))));
            assert!(socket.recv().await.is_none());
            start.elapsed()
        }));
        sleep(Duration::from_secs(1)).await;
        server.send(0x88, &[0x03, 0xe8]).await;
        assert_eq!(server.frame().await.unwrap(), (0x88, vec![0x03, 0xe8]));
        sleep(Duration::from_secs(2)).await;
        drop(server);
        let ended = handler.await.unwrap().unwrap();
        assert!(ended < Duration::from_millis(1100), "cork {cork}: {ended:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn client_ends_the_stream_after_the_close_timeout() {
    for is_first in [true, false] {
        let (mut socket, mut server) = open(Config::new().close_timeout(Duration::from_secs(3))).await;
        if !is_first {
            server.send(0x88, b"").await;
            assert!(matches!(socket.recv().await, Some(Ok(Message::Close(None)))));
        }
        let closing = tokio::spawn(async move { (socket.close(None, "").await, socket) });
        assert_eq!(server.frame().await.unwrap(), (0x88, vec![]));
        let start = Instant::now();
        if is_first {
            server.send(0x88, b"").await;
        }
        assert_eq!(server.frame().await, None);
        assert_eq!(start.elapsed(), Duration::from_secs(3));
        let (closed, socket) = closing.await.unwrap();
        closed.unwrap();
        assert!(socket.close_info().unwrap().is_clean() && socket.close_info().unwrap().error().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn unanswered_close_cuts_the_connection() {
    let (mut socket, mut server) = open(Config::new().close_timeout(Duration::from_secs(3))).await;
    let closing = tokio::spawn(async move { socket.close(None, "").await });
    assert_eq!(server.frame().await.unwrap(), (0x88, vec![]));
    assert_eq!(server.frame().await, None);
    let error = closing.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn dropped_socket_closes_in_the_background() {
    let (socket, mut server) = open(Config::new()).await;
    drop(socket);
    assert_eq!(server.frame().await.unwrap(), (0x88, b"\x03\xe8".to_vec()));
    server.send(0x88, b"\x03\xe8").await;
    stays_open(&mut server.io, Duration::from_secs(4)).await;
    server.io.shutdown().await.unwrap();
    assert_eq!(server.frame().await, None);
}

/// RFC 6455 §5.1, §5.5 and §7.4: the close code names the violation.
#[tokio::test(start_paused = true)]
async fn protocol_violation_closes_with_its_code() {
    let config = || Config::new().max_message_size(100).max_frame_size(100);
    let masked = raw_client::frame(0x81, b"Hello");
    for (bytes, code) in [
        (&masked[..], 1002_u16),
        (b"\x81\x80", 1002),
        (b"\xc1\x00", 1002),
        (b"\x83\x00", 1002),
        (b"\x80\x00", 1002),
        (b"\x09\x00", 1002),
        (b"\x88\x02\x03\xed", 1002),
        (b"\x81\x01\xff", 1007),
        (b"\x82\x7e\x01\x00", 1009),
    ] {
        let (mut socket, mut server) = open(config()).await;
        let receiving = tokio::spawn(async move {
            assert!(socket.recv().await.unwrap().is_err());
            assert!(socket.recv().await.is_none());
        });
        server.io.write_all(bytes).await.unwrap();
        assert_eq!(server.frame().await.unwrap(), (0x88, code.to_be_bytes().to_vec()), "{bytes:x?}");
        drop(server);
        receiving.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn end_without_a_close_is_an_error() {
    let (mut socket, server) = open(Config::new()).await;
    drop(server);
    assert!(matches!(socket.recv().await, Some(Err(Error::Protocol(_)))));
    assert!(socket.recv().await.is_none());
    assert_eq!(socket.close_info().unwrap().code(), 1006);
}

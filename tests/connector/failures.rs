//! Handshakes that fail for a reason other than an invalid response.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    time::Instant,
};
use tower_websocket::{
    Config, Connector, Shutdown,
    connect::{ConnectError, ConnectErrorKind},
};

use crate::raw_server::{connect, request};

type IsKind = fn(&ConnectErrorKind) -> bool;

#[tokio::test]
async fn malformed_response_is_an_error_with_its_bytes() {
    let long = format!("HTTP/1.1 101 x\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    let many = format!("HTTP/1.1 101 x\r\n{}\r\n", "X: 1\r\n".repeat(101));
    let cases: &[(&str, IsKind)] = &[
        ("SSH-2.0-OpenSSH_9.2\r\n", |e| matches!(e, ConnectErrorKind::Malformed(_))),
        ("HTTP/1.1 101 x\r\nno colon\r\n\r\n", |e| matches!(e, ConnectErrorKind::Malformed(_))),
        ("HTTP/1.1 101 Switching", |e| matches!(e, ConnectErrorKind::UnexpectedEof)),
        ("", |e| matches!(e, ConnectErrorKind::UnexpectedEof)),
        (&long, |e| matches!(e, ConnectErrorKind::TooLarge)),
        (&many, |e| matches!(e, ConnectErrorKind::TooLarge)),
    ];
    for (response, is) in cases {
        let (connected, ()) = connect(&Connector::new(), async |mut server| {
            server.request().await;
            // A client that has seen enough closes the connection.
            let _ = server.io.write_all(response.as_bytes()).await;
        })
        .await;
        let error = connected.unwrap_err();
        assert!(is(error.kind()), "{response:.20}: {error}");
        assert!(error.response().is_none());
        let mut read = String::new();
        error.into_io().read_to_string(&mut read).await.unwrap();
        assert!(response.starts_with(&read) && (read.len() > 60_000 || read == *response), "{response:.20}");
    }
}

#[tokio::test(start_paused = true)]
async fn handshake_timeout_covers_the_whole_handshake() {
    let limit = Duration::from_secs(2);
    let connector = Connector::new().with_config(Config::new().handshake_timeout(limit));
    let is_timeout = |error: ConnectError<_>| {
        matches!(error.kind(), ConnectErrorKind::TimedOut(its) if *its == limit)
            && error.to_string().contains("2s")
    };
    // The server does not read, does not answer, and does not end.
    for size in [10, 10_000] {
        let (near, _far) = duplex(size);
        let start = Instant::now();
        assert!(is_timeout(connector.connect(request(), near).await.unwrap_err()));
        assert_eq!(start.elapsed(), limit);
    }
    let start = Instant::now();
    let (near, mut far) = duplex(10_000);
    let drip = tokio::spawn(async move {
        far.write_all(b"HTTP/1.1 101 x\r\n").await.unwrap();
        while far.write_all(b"X: 1\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    });
    assert!(is_timeout(connector.connect(request(), near).await.unwrap_err()));
    assert_eq!(start.elapsed(), limit);
    drip.await.unwrap();
}

#[tokio::test]
async fn broken_stream_is_an_error_with_its_cause() {
    let (near, far) = duplex(10);
    drop(far);
    let error = Connector::new().connect(request(), near).await.unwrap_err();
    assert!(matches!(error.kind(), ConnectErrorKind::Io(_)), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn connection_limit_and_shutdown_apply_to_clients() {
    let shutdown = Shutdown::new();
    let config = Config::new().max_connections(1).with_shutdown(&shutdown);
    let connector = Connector::new().with_config(config);
    let accepting = async |mut server: crate::raw_server::RawServer| {
        server.accept("").await;
        server
    };
    let (connected, mut server) = connect(&connector, accepting).await;
    let (mut socket, _) = connected.unwrap();
    let (near, mut far) = duplex(100);
    let error = connector.connect(request(), near).await.unwrap_err();
    assert!(matches!(error.kind(), ConnectErrorKind::TooManyConnections));
    drop(error);
    assert_eq!(far.read(&mut [0]).await.unwrap(), 0);

    // It closes as a server's sockets do.
    let draining = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.drain(Duration::from_secs(5)).await }
    });
    let receiving = tokio::spawn(async move { while socket.recv().await.is_some() {} });
    assert_eq!(server.frame().await.unwrap(), (0x88, b"\x03\xe9".to_vec()));
    server.send(0x88, b"\x03\xe9").await;
    drop(server);
    receiving.await.unwrap();
    assert_eq!(draining.await.unwrap(), 0);
    let (near, _far) = duplex(100);
    let error = connector.connect(request(), near).await.unwrap_err();
    assert!(matches!(error.kind(), ConnectErrorKind::ShuttingDown));
}

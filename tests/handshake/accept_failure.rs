//! Why the handshake on a raw stream fails, and the response that the client gets.

use std::{
    error::Error,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, Response, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::Instant,
};
use tower::service_fn;
use tower_websocket::{
    AcceptAll, Acceptor, Config, Handshake, HandshakeService, Rejection,
    accept::{AcceptError, AcceptErrorKind},
    handshake::HandshakeError,
};

use crate::wire::{Wire, head, soon};

/// Returns the error of `accept` after the client has sent `bytes`, and the client.
async fn failed(bytes: impl AsRef<[u8]>) -> (AcceptError<DuplexStream>, Wire<DuplexStream>) {
    failed_with(Acceptor::new(AcceptAll), bytes).await
}

async fn failed_with<H>(
    acceptor: Acceptor<H>,
    bytes: impl AsRef<[u8]>,
) -> (AcceptError<DuplexStream>, Wire<DuplexStream>)
where
    H: HandshakeService,
{
    let (client, server) = duplex(64 * 1024);
    let mut wire = Wire::new(client);
    wire.send(bytes).await;
    match soon(acceptor.accept(server)).await {
        Ok(_) => panic!("it is accepted"),
        Err(error) => (error, wire),
    }
}

#[tokio::test]
async fn end_within_the_request_is_an_error_before_the_service_is_called() {
    let asked = Arc::new(AtomicUsize::new(0));
    let acceptor = {
        let asked = Arc::clone(&asked);
        Acceptor::new(service_fn(move |request: Request<Handshake>| {
            asked.fetch_add(1, Ordering::Relaxed);
            async move { Ok::<_, Rejection>(request.into_body().accept(())) }
        }))
    };
    let whole = head("/");
    for cut in [0, 1, 20, whole.len() / 2, whole.len() - 1] {
        let (client, server) = duplex(1024);
        let mut wire = Wire::new(client);
        wire.send(&whole[..cut]).await;
        wire.finish().await;
        let error = soon(acceptor.accept(server)).await.unwrap_err();
        assert!(matches!(error.kind(), AcceptErrorKind::UnexpectedEof), "{cut}: {error:?}");
        assert!(error.request().is_none() && error.rejection().is_none());
        // The client is gone, so the response is dropped.
        error.respond().await.unwrap();
        assert_eq!(wire.until_end().await, b"", "{cut}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn silence_within_the_request_is_408_after_a_timeout() {
    let configs = [(Config::new(), 10), (Config::new().request_head_timeout(Duration::from_secs(3)), 3)];
    for (config, limit) in configs {
        for bytes in ["", "GET / HTTP/1.1\r\nHost: a\r\n", "garbage"] {
            let start = Instant::now();
            let acceptor = Acceptor::new(AcceptAll).with_config(config.clone());
            let (error, mut wire) = failed_with(acceptor, bytes).await;
            assert_eq!(start.elapsed().as_secs(), limit, "{bytes:?}");
            assert!(
                matches!(error.kind(), AcceptErrorKind::TimedOut(at) if at.as_secs() == limit),
                "{error:?}"
            );
            error.respond().await.unwrap();
            assert_eq!(wire.response().await.status(), StatusCode::REQUEST_TIMEOUT, "{bytes:?}");
            assert_eq!(wire.until_end().await, b"");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn client_that_never_reads_the_response_is_disconnected() {
    let (mut client, server) = duplex(16);
    let sent = tokio::spawn(async move {
        client.write_all(head("/").as_bytes()).await.unwrap();
        client
    });
    let start = Instant::now();
    let error = soon(Acceptor::new(AcceptAll).accept(server)).await.unwrap_err();
    assert!(matches!(error.kind(), AcceptErrorKind::Stalled(_)), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(error.request().unwrap().uri(), "/");
    let _client = sent.await.unwrap();
}

#[tokio::test]
async fn malformed_http_is_answered_once() {
    let many_headers: String = (0..101).map(|i| format!("X-{i}: 1\r\n")).collect();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"\x16\x03\x01\x02\x00\x01\x00\x01".to_vec(), "400 "),
        (b"garbage without a newline".to_vec(), "400 "),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n".to_vec(), "400 "),
        (head("/").replace("Host:", &format!("{many_headers}Host:")).into_bytes(), "431 "),
        (head("/").replace("Host:", &format!("X: {}\r\nHost:", "a".repeat(2_000_000))).into_bytes(), "431 "),
        (head(&"/long".repeat(14_000)).into_bytes(), "431 "),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), "400 "),
    ];
    for (bytes, status) in cases {
        let (client, server) = duplex(4 * 1024 * 1024);
        let mut wire = Wire::new(client);
        wire.send(&bytes).await;
        let accepted = soon(Acceptor::new(AcceptAll).accept(server)).await;
        let Err(error) = accepted else { panic!("{status} is accepted") };
        let kind = error.kind();
        assert!(matches!(kind, AcceptErrorKind::Malformed(_) | AcceptErrorKind::TooLarge), "{error:?}");
        assert!(error.request().is_none());
        error.respond().await.unwrap();
        let answer = String::from_utf8(wire.until_end().await).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer:?}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer:?}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn ordinary_request_is_an_error_that_contains_it() {
    let (error, mut wire) = failed("GET /page?a=1 HTTP/1.1\r\nHost: a\r\nX-Own: 1\r\n\r\n").await;
    let AcceptErrorKind::Handshake(HandshakeError::NotWebSocket) = error.kind() else {
        panic!("{error:?}");
    };
    let request = error.request().unwrap();
    assert_eq!(request.uri(), "/page?a=1");
    assert_eq!(request.headers()["x-own"], "1");

    error.respond().await.unwrap();
    let response = wire.response().await;
    assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
    assert_eq!(response.headers()["upgrade"], "websocket");
    assert_eq!(wire.until_end().await, b"");
}

#[tokio::test]
async fn stream_is_usable_after_a_failure() {
    for request in ["GET /page HTTP/1.1\r\nHost: a\r\n\r\n", &head("/").replace("Version: 13", "Version: 8")]
    {
        let (error, mut wire) = failed([request.as_bytes(), b"what came next"].concat()).await;
        let mut io = error.into_io();
        let mut next = [0; 14];
        soon(io.read_exact(&mut next)).await.unwrap();
        assert_eq!(&next, b"what came next");
        io.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage").await.unwrap();
        assert_eq!(wire.response().await.body(), "page");
        wire.send("and more").await;
        drop(wire);
        let mut rest = String::new();
        soon(io.read_to_string(&mut rest)).await.unwrap();
        assert_eq!(rest, "and more");
    }
}

/// The caller may serve that request itself, and needs its body.
#[tokio::test]
async fn body_of_an_ordinary_request_is_returned_with_the_stream() {
    for (headers, body) in [
        ("Content-Length: 5", "hello"),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
        ("Content-Length: 5\r\nUpgrade: websocket\r\nConnection: upgrade", "hello"),
    ] {
        let (client, server) = duplex(1024);
        let mut wire = Wire::new(client);
        wire.send(format!("POST /form HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{body}")).await;
        wire.finish().await;
        let error = soon(Acceptor::new(AcceptAll).accept(server)).await.unwrap_err();
        assert_eq!(error.request().unwrap().uri(), "/form");
        let mut rest = String::new();
        soon(error.into_io().read_to_string(&mut rest)).await.unwrap();
        assert_eq!(rest, body, "{headers}");
    }
}

#[tokio::test]
async fn wrong_version_is_426_with_the_right_one() {
    let (error, mut wire) = failed(head("/").replace("Version: 13", "Version: 8")).await;
    let kind = error.kind();
    assert!(
        matches!(kind, AcceptErrorKind::Handshake(HandshakeError::UnsupportedVersion(v, _)) if v == "8"),
        "{error:?}"
    );
    error.respond().await.unwrap();
    let response = wire.response().await;
    assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
    assert_eq!(response.headers()["sec-websocket-version"], "13");
    assert_eq!(response.body(), "Sec-WebSocket-Version is \"8\", it must be 13\n");
}

#[derive(Debug, PartialEq)]
struct OutOfSeats(u8);

impl fmt::Display for OutOfSeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all {} seats are taken", self.0)
    }
}

impl Error for OutOfSeats {}

#[tokio::test]
async fn rejection_reaches_the_caller_with_its_cause() {
    let acceptor = Acceptor::new(service_fn(async |_: Request<Handshake>| {
        let response = Response::builder().status(409).header("x-own", "1").body("full").unwrap();
        Err::<Response<()>, _>(Rejection::new(response).with_source(OutOfSeats(7)))
    }));
    let (error, wire) = failed_with(acceptor, head("/")).await;
    let rejection = error.rejection().unwrap();
    assert_eq!(rejection.status(), StatusCode::CONFLICT);
    assert_eq!(rejection.response().body().as_bytes().unwrap(), "full");
    let source = error.source().unwrap().downcast_ref::<OutOfSeats>();
    assert_eq!(source, Some(&OutOfSeats(7)));
    assert_eq!(error.request().unwrap().uri(), "/");

    error.respond().await.unwrap();
    let sent = String::from_utf8(wire.until_end().await).unwrap();
    assert_eq!(
        sent,
        "HTTP/1.1 409 Conflict\r\nx-own: 1\r\ncontent-length: 4\r\nconnection: close\r\n\r\nfull"
    );
}

#[tokio::test]
async fn boxed_error_reaches_the_caller_unchanged() {
    let acceptor = Acceptor::new(service_fn(async |_: Request<Handshake>| {
        Err::<Response<()>, _>(tower::BoxError::from(OutOfSeats(7)))
    }));
    let (error, mut wire) = failed_with(acceptor, head("/")).await;
    assert_eq!(error.source().unwrap().downcast_ref::<OutOfSeats>(), Some(&OutOfSeats(7)));
    error.respond().await.unwrap();
    let response = wire.response().await;
    assert_eq!((response.status(), response.body().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, ""));
}

#[tokio::test]
async fn panic_in_the_handshake_service_is_an_error_of_that_stream() {
    let acceptor =
        Acceptor::new(service_fn(async |_: Request<Handshake>| -> Result<Response<()>, Rejection> {
            panic!("a panic in the handshake service")
        }));
    let (error, mut wire) = failed_with(acceptor, head("/")).await;
    assert!(matches!(error.kind(), AcceptErrorKind::Handshake(HandshakeError::Panicked)), "{error:?}");
    error.respond().await.unwrap();
    assert_eq!(wire.response().await.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

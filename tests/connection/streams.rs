//! Behavior of a connection with many streams: parallel sockets, resets, ends of the connection.

use std::{sync::Arc, time::Duration};

use h2::Reason;
use http::Request;
use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use raw_client::http2::{Client, Stream, connect};
use raw_client::{
    frame,
    whole::{BINARY, CLOSE, TEXT},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::Handle,
    sync::{Notify, mpsc},
    task::{JoinHandle, yield_now},
    time::{Instant, advance, sleep, timeout},
};
use tower::service_fn;
use tower_websocket::{
    Config, Error, Handshake, Message, Rejection, Shutdown, WebSocket, WebSocketUpgradeLayer,
    tungstenite::error::ProtocolError,
};

use crate::{
    http2::Http2,
    pair::{Socket, at_once, drive, open, settle},
};

const SECOND: Duration = Duration::from_secs(1);

/// One connection to a server whose sockets behave as their path says.
struct Connection {
    client: Client,
    /// The tasks of the two ends: the client's and the server's.
    client_task: JoinHandle<Result<(), h2::Error>>,
    server_task: JoinHandle<Result<(), hyper::Error>>,
    shutdown: Shutdown,
    /// Shuts the server's end down gracefully.
    stop: Arc<Notify>,
    /// The errors with which the sockets at `/report` ended.
    errors: mpsc::UnboundedReceiver<Option<Error>>,
    /// Bytes that are sent to the server between two frames of the client, while the client is
    /// silent.
    inject: mpsc::UnboundedSender<&'static [u8]>,
}

/// Carries bytes between the two ends, and `injected` ones to the server.
async fn carry(
    mut client: DuplexStream,
    mut server: DuplexStream,
    mut injected: mpsc::UnboundedReceiver<&'static [u8]>,
) {
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => match read {
                Ok(n) if n > 0 => if server.write_all(&up[..n]).await.is_err() { return },
                _ => return,
            },
            read = server.read(&mut down) => match read {
                Ok(n) if n > 0 => if client.write_all(&down[..n]).await.is_err() { return },
                _ => return,
            },
            Some(bytes) = injected.recv() => server.write_all(bytes).await.unwrap(),
        }
    }
}

impl Connection {
    async fn new(room: u32, config: Config) -> Self {
        let shutdown = Shutdown::new();
        let (report, errors) = mpsc::unbounded_channel();
        let handshake = service_fn(async |request: Request<Handshake>| {
            let path = request.uri().path().to_owned();
            Ok::<_, Rejection>(request.into_body().accept(path))
        });
        let layer = WebSocketUpgradeLayer::new(handshake, move |mut socket: WebSocket, path: String| {
            let report = report.clone();
            async move {
                match &*path {
                    "/asleep" => sleep(100_000 * SECOND).await,
                    "/flood" => while socket.send(Message::binary(vec![0; 10_000])).await.is_ok() {},
                    "/report" => {
                        let mut error = None;
                        while let Some(received) = socket.recv().await {
                            error = received.err();
                        }
                        let _ = report.send(error);
                    }
                    _ => {
                        while let Some(Ok(message)) = socket.recv().await {
                            if message.is_text() && socket.send(message).await.is_err() {
                                break;
                            }
                        }
                    }
                }
            }
        });
        let service = layer.with_config(config.with_shutdown(&shutdown)).into_service();
        let (client, far) = duplex(1 << 16);
        let (near, server) = duplex(1 << 16);
        let (inject, injected) = mpsc::unbounded_channel();
        tokio::spawn(carry(far, near, injected));
        let server = http2::Builder::new(TokioExecutor::new())
            .enable_connect_protocol()
            .initial_stream_window_size(64 * 1024)
            .initial_connection_window_size(16 << 20)
            .serve_connection(TokioIo::new(server), TowerToHyperService::new(service));
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let server_task = tokio::spawn(async move {
            let mut server = std::pin::pin!(server);
            tokio::select! {
                result = server.as_mut() => return result,
                () = stopped.notified() => server.as_mut().graceful_shutdown(),
            }
            server.await
        });
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(room).initial_connection_window_size(16 << 20);
        let (mut client, client_task) = connect(client, &builder).await;
        client.ready().await;
        Self { client, client_task, server_task, shutdown, stop, errors, inject }
    }

    async fn open(&self, path: &str) -> Stream {
        self.client.open(Client::websocket(&format!("http://x{path}"))).await
    }

    /// Drops the client, and checks that nothing of the connection is left.
    async fn finish(self) {
        let Self { client, client_task, server_task, shutdown, .. } = self;
        drop(client);
        let _ = at_once(client_task).await.unwrap();
        let _ = at_once(server_task).await.unwrap();
        at_once(shutdown.idle()).await;
        settle().await;
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "a task is left behind");
    }
}

async fn echoes(stream: &mut Stream, text: &str) {
    stream.write_all(&frame(TEXT, text.as_bytes())).await.unwrap();
    let mut echo = vec![0; 2 + text.len()];
    stream.read_exact(&mut echo).await.unwrap();
    assert_eq!(echo, [&[TEXT, text.len() as u8], text.as_bytes()].concat());
}

async fn recv_close(stream: &mut Stream, code: u16) {
    let mut close = [0; 4];
    stream.read_exact(&mut close).await.unwrap();
    assert_eq!(close, [&[CLOSE, 2][..], &code.to_be_bytes()].concat()[..]);
}

/// Sends a Close, and checks that it is answered and that the stream ends without an error.
async fn close(stream: &mut Stream) {
    stream.write_all(&frame(CLOSE, &1000u16.to_be_bytes())).await.unwrap();
    recv_close(stream, 1000).await;
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn sockets_on_one_connection_are_independent() {
    let connection = Connection::new(1 << 16, Config::new()).await;
    let mut one = connection.open("/").await;
    let mut two = connection.open("/").await;
    let mut three = connection.open("/").await;
    assert_eq!(connection.shutdown.connections(), 3);
    echoes(&mut one, "one").await;
    echoes(&mut three, "three").await;
    close(&mut one).await;
    echoes(&mut two, "two").await;
    three.reset(Reason::CANCEL);
    settle().await;
    assert_eq!(connection.shutdown.connections(), 1);
    echoes(&mut two, "still here").await;
    close(&mut two).await;
    drop((one, two, three));
    connection.finish().await;
}

/// The peer does not read from one socket, and the handler of another does not receive.
#[tokio::test(start_paused = true)]
async fn stalled_socket_does_not_stall_other_sockets() {
    let connection = Connection::new(1 << 16, Config::new().keepalive_interval(None)).await;
    let mut neighbour = connection.open("/").await;
    let flooding = connection.open("/flood").await;
    let mut asleep = connection.open("/asleep").await;
    let flood = frame(BINARY, &[0; 60_000]).repeat(10);
    assert!(timeout(SECOND, asleep.write_all(&flood)).await.is_err(), "the peer does not read");
    for _ in 0..100 {
        at_once(echoes(&mut neighbour, "hello")).await;
    }
    assert_eq!(connection.shutdown.connections(), 3);
    close(&mut neighbour).await;
    drop((neighbour, flooding, asleep));
    settle().await;
    // The handler is still asleep, but its connection is closed.
    connection.shutdown.drain(SECOND).await;
    connection.finish().await;
}

#[tokio::test(start_paused = true)]
async fn reset_within_a_frame_is_one_error() {
    for (reason, is_cancel) in [
        (Reason::CANCEL, true),
        (Reason::NO_ERROR, true),
        (Reason::PROTOCOL_ERROR, false),
        (Reason::INTERNAL_ERROR, false),
        (Reason::STREAM_CLOSED, false),
    ] {
        let mut connection = Connection::new(1 << 16, Config::new()).await;
        let mut stream = connection.open("/report").await;
        stream.write_all(&frame(TEXT, b"one")).await.unwrap();
        stream.write_all(&frame(TEXT, b"cut")[..4]).await.unwrap();
        settle().await;
        stream.reset(reason);
        match at_once(connection.errors.recv()).await.unwrap().expect("an error") {
            // RFC 8441 §5: CANCEL corresponds to a reset of the TCP connection.
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => assert!(is_cancel, "{reason:?}"),
            Error::Io(_) => assert!(!is_cancel, "{reason:?}"),
            error => panic!("{reason:?}: {error:?}"),
        }
        at_once(connection.shutdown.idle()).await;
        drop(stream);
        connection.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn reset_ends_a_socket_that_waits_to_write() {
    let connection = Connection::new(1000, Config::new().keepalive_interval(None)).await;
    let mut stream = connection.open("/flood").await;
    sleep(SECOND).await;
    assert_eq!(connection.shutdown.connections(), 1);
    stream.reset(Reason::CANCEL);
    at_once(connection.shutdown.idle()).await;
    drop(stream);
    connection.finish().await;
}

#[tokio::test(start_paused = true)]
async fn broken_connection_ends_all_its_sockets() {
    let mut connection = Connection::new(1 << 16, Config::new()).await;
    let streams =
        [connection.open("/report").await, connection.open("/report").await, connection.open("/flood").await];
    connection.client_task.abort();
    for _ in 0..2 {
        assert!(at_once(connection.errors.recv()).await.unwrap().is_some());
    }
    at_once(connection.shutdown.idle()).await;
    let _ = at_once(connection.server_task).await.unwrap();
    drop(streams);
    settle().await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "a task is left behind");
}

#[tokio::test(start_paused = true)]
async fn sockets_survive_a_graceful_shutdown_until_drained() {
    let connection = Connection::new(1 << 16, Config::new()).await;
    let mut one = connection.open("/").await;
    let mut two = connection.open("/").await;
    // GOAWAY: no new streams, but the open ones continue.
    connection.stop.notify_one();
    settle().await;
    echoes(&mut one, "still here").await;
    assert!(!connection.server_task.is_finished());

    let draining = tokio::spawn({
        let shutdown = connection.shutdown.clone();
        async move { shutdown.drain(10 * SECOND).await }
    });
    for stream in [&mut one, &mut two] {
        recv_close(stream, 1001).await;
        stream.write_all(&frame(TEXT, b"on its way")).await.unwrap();
        stream.write_all(&frame(CLOSE, &1001u16.to_be_bytes())).await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    }
    assert_eq!(at_once(draining).await.unwrap(), 0);
    // After that the connection ends, although the client keeps it.
    at_once(connection.server_task).await.unwrap().unwrap();
    let _ = at_once(connection.client_task).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn goaway_of_the_client_keeps_its_open_sockets() {
    let connection = Connection::new(1 << 16, Config::new()).await;
    let mut one = connection.open("/").await;
    let mut two = connection.open("/").await;
    settle().await;
    // A GOAWAY of 8 bytes on stream 0: no stream of the server was processed, without an error.
    connection.inject.send(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    settle().await;
    for stream in [&mut one, &mut two] {
        echoes(stream, "still here").await;
        close(stream).await;
    }
    at_once(connection.shutdown.idle()).await;
    drop((one, two));
    connection.finish().await;
}

/// h2 ends a connection with a number of unread small frames that is out of proportion to its
/// window.
#[tokio::test(start_paused = true)]
async fn unread_small_messages_do_not_end_the_connection() {
    let connection = Connection::new(1 << 16, Config::new().keepalive_interval(None)).await;
    let mut neighbour = connection.open("/").await;
    let mut asleep = Vec::new();
    for _ in 0..20 {
        let mut stream = connection.open("/asleep").await;
        for _ in 0..200 {
            stream.write_all(&frame(TEXT, b"x")).await.unwrap();
        }
        asleep.push(stream);
    }
    settle().await;
    echoes(&mut neighbour, "still here").await;
    assert_eq!(connection.shutdown.connections(), 21);
    connection.shutdown.drain(SECOND).await;
    drop((neighbour, asleep));
    connection.finish().await;
}

#[tokio::test(start_paused = true)]
async fn peer_without_space_for_the_close_is_cut_at_the_timeout() {
    let connection = Connection::new(0, Config::new()).await;
    let stream = connection.open("/").await;
    let start = Instant::now();
    assert_eq!(connection.shutdown.drain(60 * SECOND).await, 1);
    // HTTP/2 itself accepts a Close.
    assert_eq!(start.elapsed(), 5 * SECOND);
    drop(stream);
    connection.finish().await;
}

/// A written Close reaches the peer, even if the socket is dropped at once, and the end follows it.
#[tokio::test(start_paused = true)]
async fn written_data_is_not_cut_off_by_the_end() {
    let connection = Connection::new(1 << 16, Config::new()).await;
    let mut stream = connection.open("/").await;
    // The answer waits in the server while the client closes.
    let text = "x".repeat(120);
    stream
        .write_all(&[frame(TEXT, text.as_bytes()).repeat(100), frame(CLOSE, &[3, 232])].concat())
        .await
        .unwrap();
    at_once(connection.shutdown.idle()).await;
    settle().await;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    assert_eq!(all.len(), 100 * 122 + 4);
    assert_eq!(all[100 * 122..], [CLOSE, 2, 3, 232]);
    drop(stream);
    connection.finish().await;
}

#[tokio::test(start_paused = true)]
async fn client_that_ends_its_stream_at_once_gets_an_end() {
    let mut connection = Connection::new(1 << 16, Config::new()).await;
    let sent = connection.client.send(Client::websocket("http://x/report"), true).await;
    let (response, mut stream) = sent.response().await.unwrap();
    assert_eq!(response.status(), 200);
    let error = at_once(connection.errors.recv()).await.unwrap();
    assert!(matches!(error, Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))), "{error:?}");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    assert!(all.is_empty(), "{all:?}");
    at_once(connection.shutdown.idle()).await;
    drop(stream);
    connection.finish().await;
}

#[tokio::test(start_paused = true)]
async fn trailers_end_the_socket_without_a_close() {
    let mut connection = Connection::new(1 << 16, Config::new()).await;
    let stream = connection.open("/report").await;
    let (mut send, recv) = stream.into_parts();
    send.send_data(frame(TEXT, b"last").into(), false).unwrap();
    send.send_trailers(http::HeaderMap::new()).unwrap();
    let error = at_once(connection.errors.recv()).await.unwrap();
    assert!(matches!(error, Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))), "{error:?}");
    at_once(connection.shutdown.idle()).await;
    drop((send, recv));
    connection.finish().await;
}

/// An empty read is the end of a TCP stream.
#[tokio::test(start_paused = true)]
async fn empty_frame_does_not_end_the_stream() {
    let connection = Connection::new(1 << 16, Config::new()).await;
    let (mut send, mut recv) = connection.open("/").await.into_parts();
    for part in frame(TEXT, b"hello").chunks(2) {
        for data in [&[][..], part, &[]] {
            send.send_data(data.to_vec().into(), false).unwrap();
        }
        settle().await;
    }
    assert_eq!(at_once(recv.data()).await.unwrap().unwrap()[..], *b"\x81\x05hello");
    send.send_data(frame(CLOSE, &[3, 232]).into(), false).unwrap();
    send.send_data(Vec::new().into(), true).unwrap();
    assert_eq!(at_once(recv.data()).await.unwrap().unwrap()[..], [CLOSE, 2, 3, 232]);
    // The server's own end is an empty frame, too.
    assert!(at_once(recv.data()).await.unwrap().unwrap().is_empty());
    assert!(recv.is_end_stream());
    drop((send, recv));
    connection.finish().await;
}

#[tokio::test(start_paused = true)]
async fn socket_does_not_affect_ordinary_requests() {
    let connection = Connection::new(1 << 16, Config::new()).await;
    let mut stream = connection.open("/").await;
    for _ in 0..3 {
        let request = Request::get("http://x/page").version(http::Version::HTTP_2);
        let (response, _) = connection.client.send(request, true).await.response().await.unwrap();
        assert_eq!(response.status(), 405);
        echoes(&mut stream, "hello").await;
    }
    close(&mut stream).await;
    drop(stream);
    connection.finish().await;
}

/// The same as sending without end over HTTP/1.1. Received data extends the closing handshake, to
/// twelve times its timeout at most.
#[tokio::test(start_paused = true)]
async fn flooding_peer_is_dropped_after_twelve_close_timeouts() {
    // While the socket waits for the peer's Close, and while it drains the data after an error.
    for before in [vec![], frame(0x83, b"reserved opcode")] {
        let (mut pair, mut socket) = open::<Http2>(Config::new(), 1 << 16).await;
        let shutdown = pair.shutdown().clone();
        if !before.is_empty() {
            pair.send_raw(&before).await;
            assert!(socket.recv().await.unwrap().is_err());
        }
        drop(socket);
        let flooding = tokio::spawn(async move {
            let flood = frame(BINARY, b"").repeat(1000);
            while pair.try_send_raw(&flood).await.is_ok() {
                yield_now().await;
            }
            pair
        });
        settle().await;
        for _ in 0..15 {
            assert_eq!(shutdown.connections(), 1);
            advance(4 * SECOND - Duration::from_millis(5)).await;
            settle().await;
        }
        assert_eq!(shutdown.connections(), 1);
        advance(Duration::from_millis(200)).await;
        settle().await;
        assert_eq!(shutdown.connections(), 0);
        flooding.await.unwrap().finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn messages_are_written_during_a_flood() {
    let mut pair = drive::<Http2, _>(Config::new(), async |mut socket: Socket<Http2>| {
        socket.recv().await.unwrap().unwrap();
        socket.send("ack").await.unwrap();
        while let Some(Ok(_)) = socket.recv().await {}
    })
    .await;
    let flood = frame(BINARY, b"").repeat(1000);
    for _ in 0..100 {
        pair.send_raw(&flood).await;
        yield_now().await;
    }
    assert_eq!(at_once(pair.recv_text()).await, "ack");
    pair.send_close(1000, "").await;
    pair.recv_close().await;
    pair.finish().await;
}

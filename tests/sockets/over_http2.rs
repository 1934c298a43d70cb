//! Many sockets on each of many HTTP/2 connections.

use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use futures_util::{
    SinkExt, StreamExt,
    future::{join_all, try_join_all},
};
use h2::{Reason, client::Builder};
use raw_client::{
    frame,
    http2::{Client, Stream, connect},
    whole::{BINARY, CLOSE},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::timeout,
};
use tokio_tungstenite::WebSocketStream;
use tower_websocket::{
    AcceptAll, Config, Message, Shutdown, WebSocketUpgradeLayer, tungstenite::protocol::Role,
};

use crate::server::echo;

/// hyper's limit for one connection.
const SOCKETS: usize = 200;

const CONNECTIONS: usize = 10;

async fn open(client: &Client) -> WebSocketStream<Stream> {
    let stream = client.open(Client::websocket("http://a/")).await;
    WebSocketStream::from_raw_socket(stream, Role::Client, None).await
}

/// Sends a message and receives its echo, then waits for the server's Close and answers it. Returns
/// its code.
async fn use_up(mut socket: WebSocketStream<Stream>, opened: oneshot::Sender<()>) -> u16 {
    for n in 0..3 {
        let message = Message::text(format!("message {n}"));
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    opened.send(()).unwrap();
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("no Close") };
    assert!(socket.next().await.is_none());
    frame.code.into()
}

/// axum's server waits for its HTTP/2 connections, which end when their sockets do.
#[tokio::test]
async fn two_thousand_sockets_on_ten_connections_are_drained_and_the_server_ends() {
    let shutdown = Shutdown::new();
    let layer = WebSocketUpgradeLayer::new(AcceptAll, echo);
    let config = Config::new().with_shutdown(&shutdown).close_timeout(Duration::from_secs(60));
    let app = Router::new().route("/page", get("page")).layer(layer.with_config(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (signal, received) = oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async { received.await.unwrap() });
    let server = tokio::spawn(server.into_future());

    let mut tasks = Vec::new();
    let mut opened = Vec::new();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        // h2 ends a connection with too many unread small frames. A larger window allows more of
        // them.
        let io = TcpStream::connect(addr).await.unwrap();
        let (mut client, connection) =
            connect(io, Builder::new().initial_connection_window_size(16 << 20)).await;
        client.ready().await;
        for socket in join_all((0..SOCKETS).map(|_| open(&client))).await {
            let (done, is_done) = oneshot::channel();
            opened.push(is_done);
            tasks.push(tokio::spawn(use_up(socket, done)));
        }
        connections.push((client, connection));
    }
    try_join_all(opened).await.unwrap();
    assert_eq!(shutdown.connections(), CONNECTIONS * SOCKETS);

    signal.send(()).unwrap();
    let start = Instant::now();
    let dropped = shutdown.drain(Duration::from_secs(60)).await;
    eprintln!("{} sockets drained in {} ms", CONNECTIONS * SOCKETS, start.elapsed().as_millis());
    assert_eq!((dropped, shutdown.connections()), (0, 0));
    for code in try_join_all(tasks).await.unwrap() {
        assert_eq!(code, 1001);
    }
    // No client has closed its connection.
    server.await.unwrap().unwrap();
    for (client, connection) in connections {
        connection.await.unwrap().unwrap();
        drop(client);
    }
}

/// Clients end in every way, in parallel on one connection and on several threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn sockets_leave_nothing_behind_after_any_end() {
    let shutdown = Shutdown::new();
    let layer = WebSocketUpgradeLayer::new(AcceptAll, echo);
    let layer = layer.with_config(Config::new().with_shutdown(&shutdown));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, Router::new().fallback_service(layer.into_service())).into_future());

    let io = TcpStream::connect(addr).await.unwrap();
    let (mut client, _) = connect(io, Builder::new().initial_connection_window_size(16 << 20)).await;
    client.ready().await;
    let leave = |n| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut sent = client.send(Client::websocket("http://a/"), false).await;
            if n % 6 == 0 {
                sent.send.send_reset(Reason::CANCEL);
                return;
            }
            let (_, mut stream) = sent.response().await.unwrap();
            stream.write_all(&frame(BINARY, &[0; 100])).await.unwrap();
            match n % 6 {
                1 => {
                    // Inside a frame, with the echo in flight.
                    stream.write_all(&frame(BINARY, &[0; 100])[..50]).await.unwrap();
                    stream.reset(Reason::CANCEL);
                }
                2 => drop(stream),
                3 => {
                    stream.shutdown().await.unwrap();
                    let mut all = Vec::new();
                    stream.read_to_end(&mut all).await.unwrap();
                    assert_eq!(all.len(), 102);
                }
                4 => {
                    // More than the buffers hold, and none of it is read.
                    stream.write_all(&frame(BINARY, &[0; 100]).repeat(700)).await.unwrap();
                    drop(stream);
                }
                _ => {
                    stream.write_all(&frame(CLOSE, &[3, 232])).await.unwrap();
                    let mut all = Vec::new();
                    stream.read_to_end(&mut all).await.unwrap();
                    assert_eq!((all.len(), &all[102..]), (106, &[0x88, 2, 3, 232][..]));
                }
            }
        })
    };
    // h2 ends a connection on which more than 20 streams are reset before it processes them.
    for round in 0..10 {
        try_join_all((0..60).map(|n| leave(60 * round + n))).await.unwrap();
    }
    timeout(Duration::from_secs(60), shutdown.idle()).await.expect("every socket ends");
    // The connection still works.
    let mut socket = open(&client).await;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
}

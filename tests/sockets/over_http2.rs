//! Many sockets on each of many connections of HTTP/2.

use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use futures_util::{
    SinkExt, StreamExt,
    future::{join_all, try_join_all},
};
use h2::client::Builder;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tokio_tungstenite::WebSocketStream;
use tower_websocket::{
    AcceptAll, Config, Message, Shutdown, WebSocketUpgradeLayer, tungstenite::protocol::Role,
};

use crate::{
    http2::{Client, Stream, connect},
    server::echo,
};

/// As many as hyper allows on one connection.
const SOCKETS: usize = 200;

const CONNECTIONS: usize = 10;

async fn open(client: &Client) -> WebSocketStream<Stream> {
    let stream = client.open(Client::websocket("http://a/")).await;
    WebSocketStream::from_raw_socket(stream, Role::Client, None).await
}

/// Echoes, then waits for the server's Close and answers it. Returns its code.
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
    let layer = WebSocketUpgradeLayer::new(AcceptAll::new(), echo);
    let layer = layer.with_config(Config::new().shutdown(&shutdown));
    let app = Router::new().route("/page", get("page")).layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (signal, received) = oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async { received.await.unwrap() });
    let server = tokio::spawn(server.into_future());

    let mut tasks = Vec::new();
    let mut opened = Vec::new();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        // h2 ends a connection on which too many small frames lie unread: the larger the window, the later.
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
    // No client has let go of its connection.
    server.await.unwrap().unwrap();
    for (client, connection) in connections {
        connection.await.unwrap().unwrap();
        drop(client);
    }
}

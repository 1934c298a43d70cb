//! Many sockets at once.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt, future::join_all};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tokio_tungstenite::connect_async;
use tower_websocket::{AcceptAll, Config, Message, Shutdown, WebSocketUpgradeLayer, serve};

use crate::server::{echo, start};

#[tokio::test]
async fn two_thousand_sockets_are_drained_by_a_shutdown() {
    const SOCKETS: usize = 2000;
    let (addr, shutdown) = start(Config::new().close_timeout(Duration::from_secs(60)), echo).await;
    let mut clients = Vec::new();
    for _ in 0..SOCKETS / 100 {
        let connected = join_all((0..100).map(|_| async {
            let (mut client, _) = connect_async(format!("ws://{addr}")).await.unwrap();
            client.send(Message::text("hello")).await.unwrap();
            assert_eq!(client.next().await.unwrap().unwrap(), Message::text("hello"));
            client
        }));
        clients.extend(connected.await);
    }
    assert_eq!(shutdown.connections(), SOCKETS);
    let clients: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            tokio::spawn(async move {
                match client.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => u16::from(frame.code),
                    other => panic!("{other:?}"),
                }
            })
        })
        .collect();
    let start = Instant::now();
    let dropped = shutdown.drain(Duration::from_secs(60)).await;
    eprintln!("{SOCKETS} sockets drained in {} ms, {dropped} dropped", start.elapsed().as_millis());
    assert_eq!((dropped, shutdown.connections()), (0, 0));
    for client in clients {
        assert_eq!(client.await.unwrap(), 1001);
    }
}

#[tokio::test]
async fn one_signal_ends_a_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let layer = WebSocketUpgradeLayer::new(AcceptAll, echo);
    let (signal, received) = oneshot::channel::<()>();
    let server = serve(listener, layer.into_service())
        .with_graceful_shutdown(async { received.await.unwrap() })
        .drain_timeout(Duration::from_secs(10));
    let server = tokio::spawn(server.into_future());
    let (mut client, _) = connect_async(format!("ws://{addr}")).await.unwrap();
    // An idle HTTP connection does not delay the server.
    let idle = TcpStream::connect(addr).await.unwrap();
    client.send(Message::text("hello")).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("hello"));
    signal.send(()).unwrap();
    let Some(Ok(Message::Close(Some(frame)))) = client.next().await else { panic!("no Close") };
    assert_eq!(u16::from(frame.code), 1001);
    while client.next().await.is_some() {}
    server.await.unwrap().unwrap();
    drop(idle);
}

/// With another HTTP server, the sockets are drained separately.
#[tokio::test]
async fn shutdown_ends_the_sockets_of_an_axum_server() {
    let shutdown = Shutdown::new();
    let layer = WebSocketUpgradeLayer::new(AcceptAll, echo);
    let layer = layer.with_config(Config::new().with_shutdown(&shutdown));
    let app = axum::Router::new().route("/", axum::routing::get("page")).layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (signal, received) = oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async { received.await.unwrap() });
    let server = tokio::spawn(server.into_future());

    let (mut client, _) = connect_async(format!("ws://{addr}")).await.unwrap();
    signal.send(()).unwrap();
    // axum has finished and no longer tracks the socket, which still echoes.
    server.await.unwrap().unwrap();
    client.send(Message::text("hello")).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("hello"));

    let draining = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.drain(Duration::from_secs(20)).await }
    });
    let Some(Ok(Message::Close(Some(frame)))) = client.next().await else { panic!("no Close") };
    assert_eq!(u16::from(frame.code), 1001);
    while client.next().await.is_some() {}
    assert_eq!(draining.await.unwrap(), 0);
}

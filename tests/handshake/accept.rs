//! `Acceptor::accept` on raw streams: successful handshakes.

use futures_util::{SinkExt, StreamExt};
use http::{Request, StatusCode};
use tokio::{
    io::{AsyncRead, AsyncWrite, duplex},
    net::{TcpListener, TcpStream},
};
use tower::service_fn;
use tower_websocket::{AcceptAll, Acceptor, Config, Handshake, Message, Rejection, Shutdown, WebSocket};

use crate::wire::{Wire, head, soon, text_frame};

/// Accepts on `server` and echoes, in a task of its own.
fn spawn_echo<IO>(acceptor: Acceptor<AcceptAll>, server: IO)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    tokio::spawn(async move {
        let (mut socket, ()): (WebSocket<IO>, ()) = acceptor.accept(server).await.unwrap();
        while let Some(Ok(message)) = socket.recv().await {
            if message.is_text() && socket.send(message).await.is_err() {
                break;
            }
        }
    });
}

async fn assert_echoes<IO: AsyncRead + AsyncWrite + Unpin>(client: IO) {
    let mut socket = Wire::new(client).open("/").await;
    for text in ["hello", "", "0"] {
        socket.send(Message::text(text)).await.unwrap();
        assert_eq!(soon(socket.next()).await.unwrap().unwrap(), Message::text(text));
    }
}

#[tokio::test]
async fn in_memory_stream_becomes_a_websocket() {
    let (client, server) = duplex(1024);
    spawn_echo(Acceptor::new(AcceptAll), server);
    assert_echoes(client).await;
}

#[tokio::test]
async fn stream_of_single_bytes_becomes_a_websocket() {
    let (client, server) = duplex(1);
    spawn_echo(Acceptor::new(AcceptAll), server);
    assert_echoes(client).await;
}

#[tokio::test]
async fn tcp_stream_becomes_a_websocket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    spawn_echo(Acceptor::new(AcceptAll), listener.accept().await.unwrap().0);
    assert_echoes(client).await;
}

#[cfg(unix)]
#[tokio::test]
async fn unix_stream_becomes_a_websocket() {
    let (client, server) = tokio::net::UnixStream::pair().unwrap();
    spawn_echo(Acceptor::new(AcceptAll), server);
    assert_echoes(client).await;
}

#[tokio::test]
async fn fifty_streams_are_open_on_one_acceptor() {
    let acceptor = Acceptor::new(AcceptAll);
    let clients: Vec<_> = (0..50)
        .map(|_| {
            let (client, server) = duplex(1024);
            spawn_echo(acceptor.clone(), server);
            client
        })
        .collect();
    futures_util::future::join_all(clients.into_iter().map(assert_echoes)).await;
}

#[tokio::test]
async fn frame_in_the_requests_packet_is_served() {
    let (client, server) = duplex(1024);
    spawn_echo(Acceptor::new(AcceptAll), server);
    let mut wire = Wire::new(client);
    wire.send([head("/").into_bytes(), text_frame("one"), text_frame("two")].concat()).await;
    assert_eq!(wire.response().await.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut socket = wire.into_websocket().await;
    for expected in ["one", "two"] {
        assert_eq!(soon(socket.next()).await.unwrap().unwrap().to_text().unwrap(), expected);
    }
}

#[tokio::test]
async fn server_may_send_at_once() {
    let (client, server) = duplex(1024);
    let accept = async {
        let (mut socket, ()) = Acceptor::new(AcceptAll).accept(server).await.unwrap();
        socket.send("first").await.unwrap();
        socket.send("second").await.unwrap();
        socket
    };
    let mut wire = Wire::new(client);
    wire.send(head("/")).await;
    // The response and the messages are sent before the client reads.
    let _socket = soon(accept).await;
    assert_eq!(wire.response().await.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut client = wire.into_websocket().await;
    for expected in ["first", "second"] {
        assert_eq!(soon(client.next()).await.unwrap().unwrap().to_text().unwrap(), expected);
    }
}

#[tokio::test]
async fn attached_value_and_protocol_are_returned_with_the_socket() {
    let acceptor = Acceptor::new(service_fn(async |request: Request<Handshake>| {
        let path = request.uri().path().to_owned();
        let mut handshake = request.into_body();
        handshake.select_protocol(["chat"]);
        handshake.response_mut().headers_mut().append("set-cookie", "a=1".parse().unwrap());
        handshake.response_mut().headers_mut().append("set-cookie", "b=2".parse().unwrap());
        Ok::<_, Rejection>(handshake.accept(path))
    }));
    let (client, server) = duplex(1024);
    let mut wire = Wire::new(client);
    wire.send(head("/room").replace("Host:", "Sec-WebSocket-Protocol: other, chat\r\nHost:")).await;
    let (socket, path) = soon(acceptor.accept(server)).await.unwrap();
    assert_eq!((path.as_str(), socket.protocol()), ("/room", Some("chat")));
    let response = wire.response().await;
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
    assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(response.headers().get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
}

#[tokio::test]
async fn limits_reach_the_socket() {
    let acceptor = Acceptor::new(AcceptAll).with_config(Config::new().max_message_size(4));
    assert!(format!("{:?}", acceptor).contains("max_message_size: 4"));
    let (client, server) = duplex(1024);
    let mut wire = Wire::new(client);
    wire.send([head("/").into_bytes(), text_frame("four"), text_frame("fives")].concat()).await;
    let (mut socket, ()) = soon(acceptor.accept(server)).await.unwrap();
    assert_eq!(soon(socket.recv()).await.unwrap().unwrap().to_text().unwrap(), "four");
    soon(socket.recv()).await.unwrap().unwrap_err();
}

#[tokio::test]
async fn connections_over_the_limit_are_503_until_one_ends() {
    let shutdown = Shutdown::new();
    let config = Config::new().max_connections(1).with_shutdown(&shutdown);
    let acceptor = Acceptor::new(AcceptAll).with_config(config);
    let connect = async || {
        let (client, server) = duplex(1024);
        let mut wire = Wire::new(client);
        wire.send(head("/")).await;
        (wire, soon(acceptor.clone().accept(server)).await)
    };
    let (mut client, first) = connect().await;
    assert_eq!(client.response().await.status(), StatusCode::SWITCHING_PROTOCOLS);
    let (mut refused, error) = connect().await;
    error.unwrap_err().respond().await.unwrap();
    assert_eq!(refused.response().await.status(), StatusCode::SERVICE_UNAVAILABLE);

    // The client is gone, so dropping the socket does not wait for it.
    drop(client);
    let (mut socket, ()) = first.unwrap();
    while let Some(Ok(_)) = soon(socket.recv()).await {}
    drop(socket);
    soon(shutdown.idle()).await;
    assert!(connect().await.1.is_ok());
}

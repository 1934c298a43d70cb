//! A real gRPC client and WebSocket clients on one port.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, StatusCode};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_tungstenite::{connect_async, tungstenite::Message};
use tonic::transport::{Channel, Server};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tower_websocket::serve;

/// Who serves the router.
#[derive(Clone, Copy, Debug)]
enum By {
    Serve,
    Axum,
}

impl By {
    async fn start(self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let app = grpc::app().await;
        match self {
            Self::Serve => drop(tokio::spawn(serve(listener, app).into_future())),
            Self::Axum => drop(tokio::spawn(axum::serve(listener, app).into_future())),
        }
        addr
    }
}

async fn health(addr: SocketAddr) -> HealthClient<Channel> {
    HealthClient::new(Channel::from_shared(format!("http://{addr}")).unwrap().connect().await.unwrap())
}

async fn check(client: &mut HealthClient<Channel>) -> ServingStatus {
    let request = HealthCheckRequest { service: String::new() };
    client.check(request).await.unwrap().into_inner().status()
}

#[tokio::test]
async fn grpc_and_a_websocket_share_a_port() {
    for by in [By::Serve, By::Axum] {
        let addr = by.start().await;
        let mut client = health(addr).await;
        assert_eq!(check(&mut client).await, ServingStatus::Serving, "{by:?}");

        let (mut socket, response) = connect_async(format!("ws://{addr}/ws")).await.unwrap();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"), "{by:?}");

        // The stream of a call stays open beside the socket.
        let request = HealthCheckRequest { service: String::new() };
        let mut watch = client.watch(request).await.unwrap().into_inner();
        assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
        socket.send(Message::text("still here")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("still here"), "{by:?}");
        assert_eq!(check(&mut client).await, ServingStatus::Serving, "{by:?}");
    }
}

/// RFC 8441: on the kind of connection that gRPC has.
#[tokio::test]
async fn a_websocket_opens_over_http2_too() {
    for by in [By::Serve, By::Axum] {
        let addr = by.start().await;
        let io = TcpStream::connect(addr).await.unwrap();
        let (mut client, mut connection) = h2::client::handshake(io).await.unwrap();
        // The server's SETTINGS have to be there first.
        let mut ping_pong = connection.ping_pong().unwrap();
        tokio::spawn(connection);
        ping_pong.ping(h2::Ping::opaque()).await.unwrap();
        let mut request = Request::builder().method(Method::CONNECT).uri(format!("http://{addr}/ws"));
        request = request.header("sec-websocket-version", "13");
        request = request.extension(h2::ext::Protocol::from_static("websocket"));
        let (response, mut send) = client.send_request(request.body(()).unwrap(), false).unwrap();
        let response = response.await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{by:?}");
        let mut body = response.into_body();
        // "hello", masked with zeros, and unmasked on the way back.
        send.send_data(b"\x81\x85\0\0\0\0hello".as_slice().into(), false).unwrap();
        let mut received = Vec::new();
        while received.len() < 7 {
            received.extend_from_slice(&body.data().await.unwrap().unwrap());
        }
        assert_eq!(received, b"\x81\x05hello", "{by:?}");
    }
}

/// What the guide says does not work.
#[tokio::test]
async fn tonics_own_server_does_not_upgrade() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let routes = tonic::service::Routes::from(grpc::app().await);
    let server = Server::builder().accept_http1(true).add_routes(routes);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    assert_eq!(check(&mut health(addr).await).await, ServingStatus::Serving);
    let (mut socket, _) = connect_async(format!("ws://{addr}/ws")).await.unwrap();
    assert!(socket.next().await.is_none_or(|end| end.is_err()));
}

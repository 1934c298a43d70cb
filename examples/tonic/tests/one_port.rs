//! Tests a real gRPC client and WebSocket clients on one port.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use raw_client::{frame, http2, read_frame, whole::TEXT};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_tungstenite::{connect_async, tungstenite::Message};
use tonic::transport::{Channel, Server};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tower_websocket::serve;

/// The server of the router.
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
async fn grpc_and_websocket_share_a_port() {
    for by in [By::Serve, By::Axum] {
        let addr = by.start().await;
        let mut client = health(addr).await;
        assert_eq!(check(&mut client).await, ServingStatus::Serving, "{by:?}");

        let (mut socket, response) = connect_async(format!("ws://{addr}/ws")).await.unwrap();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"), "{by:?}");

        // The stream of a call stays open next to the socket.
        let request = HealthCheckRequest { service: String::new() };
        let mut watch = client.watch(request).await.unwrap().into_inner();
        assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
        socket.send(Message::text("still here")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("still here"), "{by:?}");
        assert_eq!(check(&mut client).await, ServingStatus::Serving, "{by:?}");
    }
}

/// RFC 8441, on the kind of connection that gRPC uses.
#[tokio::test]
async fn websocket_opens_over_http2_too() {
    for by in [By::Serve, By::Axum] {
        let addr = by.start().await;
        let io = TcpStream::connect(addr).await.unwrap();
        let (mut client, _) = http2::connect(io, &h2::client::Builder::new()).await;
        client.ready().await;
        let mut stream = client.open(http2::Client::websocket(&format!("http://{addr}/ws"))).await;
        stream.write_all(&frame(TEXT, b"hello")).await.unwrap();
        assert_eq!(read_frame(&mut stream).await, Some((TEXT, b"hello".to_vec())), "{by:?}");
    }
}

/// The guide states that this does not work.
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

//! `Config::canonical_header_case`: header names of the 101 as RFC 6455 spells them, for each way
//! to open a socket.

use std::future::IntoFuture;

use axum::Router;
use http::Request;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use raw_client::opening::read_head;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, duplex},
    net::{TcpListener, TcpStream},
};
use tower::service_fn;
use tower_websocket::{
    Acceptor, Config, Handshake, HandshakeService, Rejection, WebSocketUpgradeLayer, serve,
};

use crate::wire::{head, soon};

fn handshake() -> impl HandshakeService<Extra = ()> {
    service_fn(async |request: Request<Handshake>| {
        let mut handshake = request.into_body();
        handshake.select_protocol(["chat"]);
        Ok::<_, Rejection>(handshake.accept(()))
    })
}

/// Returns the lines of the response, without the date.
async fn lines<IO: AsyncRead + AsyncWrite + Unpin>(mut io: IO) -> Vec<String> {
    let request = head("/").replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
    io.write_all(request.as_bytes()).await.unwrap();
    let head = soon(read_head(&mut io)).await.unwrap();
    let mut lines: Vec<_> = head.trim_end().lines().map(str::to_owned).collect();
    lines[1..].sort_unstable();
    lines.retain(|line| !line.to_ascii_lowercase().starts_with("date: "));
    lines
}

fn expected(is_canonical: bool) -> Vec<String> {
    let lines = [
        "Connection: Upgrade",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "Sec-WebSocket-Protocol: chat",
        "Upgrade: websocket",
    ];
    let lines = lines.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        if is_canonical { line.to_owned() } else { format!("{}: {value}", name.to_ascii_lowercase()) }
    });
    [vec!["HTTP/1.1 101 Switching Protocols".to_owned()], lines.into()].concat()
}

#[tokio::test]
async fn header_names_of_the_101_are_spelled_as_in_the_rfc() {
    for is_canonical in [false, true] {
        let config = || Config::new().canonical_header_case(is_canonical);
        let service = || {
            let layer = WebSocketUpgradeLayer::new(handshake(), async |_, ()| {});
            layer.with_config(config()).into_service()
        };

        let (client, io) = duplex(4096);
        let acceptor = Acceptor::new(handshake()).with_config(config());
        let accepted = tokio::spawn(async move { acceptor.accept(io).await.map(drop).unwrap() });
        assert_eq!(lines(client).await, expected(is_canonical), "Acceptor");
        accepted.await.unwrap();

        let (client, io) = duplex(4096);
        let service_of_hyper = TowerToHyperService::new(service());
        let http = http1::Builder::new().serve_connection(TokioIo::new(io), service_of_hyper);
        tokio::spawn(http.with_upgrades());
        assert_eq!(lines(client).await, expected(is_canonical), "hyper");

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, service()).into_future());
        assert_eq!(lines(TcpStream::connect(addr).await.unwrap()).await, expected(is_canonical), "serve");

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let router = Router::new().route_service("/", service());
        tokio::spawn(axum::serve(listener, router).into_future());
        assert_eq!(lines(TcpStream::connect(addr).await.unwrap()).await, expected(is_canonical), "axum");
    }
}

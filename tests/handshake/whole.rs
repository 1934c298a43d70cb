//! A rejection arrives whole over each transport, even if the headers of its response state a wrong
//! length.

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::{client::conn::http1, server};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::io::{DuplexStream, duplex};
use tower::service_fn;
use tower_websocket::{Acceptor, Handshake, HandshakeService, Rejection, WebSocketUpgradeLayer};

use crate::{request::upgrade, wire::soon};

const PATHS: [(&str, u16, &str); 9] = [
    ("/response", 403, ""),
    ("/prebuilt", 403, ""),
    ("/text", 409, "taken"),
    ("/wrong-length", 409, "taken"),
    ("/stream", 409, "in parts"),
    ("/axum", 409, "axum's"),
    ("/no-content", 304, ""),
    ("/status", 401, ""),
    ("/error", 500, ""),
];

/// Rejects as the path says. Each response has a wrong `Content-Length` and `Transfer-Encoding`.
fn handshake() -> impl HandshakeService<Extra = ()> {
    service_fn(async |request: Request<Handshake>| {
        let head = |status: u16| {
            let head = Response::builder().status(status).header("content-length", "5");
            head.header("content-length", "99").header("transfer-encoding", "chunked").header("x-own", "1")
        };
        let parts = ["in", " ", "parts"].map(|part| Ok::<_, std::io::Error>(Frame::data(Bytes::from(part))));
        Err(match request.uri().path() {
            "/response" => return Ok(head(403).body(()).unwrap()),
            "/prebuilt" => {
                let mut handshake = request.into_body();
                *handshake.response_mut().status_mut() = StatusCode::FORBIDDEN;
                let headers = handshake.response_mut().headers_mut();
                headers.insert("content-length", "5".parse().unwrap());
                headers.insert("transfer-encoding", "chunked".parse().unwrap());
                headers.insert("x-own", "1".parse().unwrap());
                return Ok(handshake.accept(()));
            }
            "/text" => Rejection::new(head(409).body("taken").unwrap()),
            "/wrong-length" => Rejection::from(head(409).body(String::from("taken")).unwrap()),
            "/stream" => head(409).body(StreamBody::new(stream::iter(parts))).unwrap().into(),
            "/axum" => head(409).body(axum::body::Body::from("axum's")).unwrap().into(),
            "/no-content" => head(304).body(String::from("none")).unwrap().into(),
            "/status" => StatusCode::UNAUTHORIZED.into(),
            "/error" => "the database is down".into(),
            path => panic!("{path}"),
        })
    })
}

/// Sends a request over HTTP/1.1 with a strict client.
async fn ask(io: DuplexStream, path: &str) -> Response<String> {
    let (mut client, connection) = http1::handshake(TokioIo::new(io)).await.unwrap();
    tokio::spawn(connection);
    let request = upgrade(path).body(Empty::<Bytes>::new()).unwrap();
    let (head, body) = soon(client.send_request(request)).await.unwrap().into_parts();
    let body = soon(body.collect()).await.unwrap().to_bytes();
    Response::from_parts(head, String::from_utf8(body.into()).unwrap())
}

#[track_caller]
fn check(response: &Response<String>, status: u16, body: &str) {
    assert_eq!((response.status().as_u16(), response.body().as_str()), (status, body));
    let headers = response.headers();
    let lengths: Vec<_> = headers.get_all("content-length").iter().collect();
    assert!(lengths.is_empty() || lengths == [body.len().to_string().as_str()], "{headers:?}");
    assert!(
        !(headers.contains_key("content-length") && headers.contains_key("transfer-encoding")),
        "{headers:?}"
    );
    assert_eq!(headers.contains_key("x-own"), status != 401 && status != 500, "{headers:?}");
}

#[tokio::test]
async fn over_http_1() {
    for (path, status, body) in PATHS {
        let (client, io) = duplex(64 * 1024);
        let service = WebSocketUpgradeLayer::new(handshake(), async |_, ()| {}).into_service();
        let http = server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(io), TowerToHyperService::new(service));
        tokio::spawn(http.with_upgrades());
        check(&ask(client, path).await, status, body);
    }
}

#[tokio::test]
async fn over_a_raw_stream() {
    for (path, status, body) in PATHS {
        let (client, io) = duplex(64 * 1024);
        let refused = tokio::spawn(async move {
            let error = Acceptor::new(handshake()).accept(io).await.unwrap_err();
            error.respond().await.unwrap();
        });
        check(&ask(client, path).await, status, body);
        soon(refused).await.unwrap();
    }
}

#[cfg(feature = "http2")]
#[tokio::test]
async fn over_http_2() {
    use tokio::io::AsyncReadExt;

    use raw_client::http2::Client;

    use crate::over_http2::in_memory;

    for (path, status, body) in PATHS {
        let service = WebSocketUpgradeLayer::new(handshake(), async |_, ()| {}).into_service();
        let client = in_memory(service).await;
        let request = Client::websocket(&format!("http://a{path}"));
        let (response, mut stream) = soon(client.send(request, false)).await.response().await.unwrap();
        let mut text = String::new();
        // A wrong length would be a reset here.
        soon(stream.read_to_string(&mut text)).await.unwrap();
        check(&response.map(|()| text), status, body);
    }
}

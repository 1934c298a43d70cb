//! Without TLS: a page and its WebSocket on one port.

use std::{convert::Infallible, future::IntoFuture};

use http::{Request, Response, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use tokio::net::TcpListener;
use tower::{Layer, service_fn};
use tower_websocket::{AcceptAll, WebSocket, WebSocketUpgradeLayer, serve};

use crate::browser::run;

pub(crate) async fn page(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let page = Response::builder().header(CONTENT_TYPE, "text/html").body("<!doctype html>".into());
    Ok(page.expect("a valid response"))
}

pub(crate) async fn echo(mut socket: WebSocket, (): ()) {
    while let Some(Ok(message)) = socket.recv().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            break;
        }
    }
}

#[tokio::test]
async fn chromium_talks_to_the_origin_of_its_page() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let service = WebSocketUpgradeLayer::new(AcceptAll, echo).layer(service_fn(page));
    tokio::spawn(serve(listener, service).into_future());
    run("echo.mjs", &[url]).await;
}

//! Compressed messages.

use std::future::IntoFuture;

use tokio::net::TcpListener;
use tower::{Layer, service_fn};
use tower_websocket::{AcceptAll, Config, Deflate, WebSocketUpgradeLayer, serve};

use crate::{
    browser::run,
    plain::{echo, page},
};

/// Lets the page exchange messages with a server with this setting, and check that `extensions`
/// were negotiated.
async fn talk(deflate: Deflate, extensions: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let config = Config::new().max_message_size(16 << 20).max_frame_size(16 << 20).deflate(deflate);
    let layer = WebSocketUpgradeLayer::new(AcceptAll, echo).with_config(config);
    tokio::spawn(serve(listener, layer.layer(service_fn(page))).into_future());
    run("deflate.mjs", &[url, extensions.to_owned()]).await;
}

#[tokio::test]
async fn chromium_compresses_with_takeover_on_its_side() {
    talk(Deflate::new(), "permessage-deflate").await;
}

#[tokio::test]
async fn chromium_compresses_with_takeover_on_both_sides() {
    talk(Deflate::new().context_takeover(true), "permessage-deflate").await;
}

#[tokio::test]
async fn chromium_obeys_no_context_takeover() {
    let deflate = Deflate::new().server_no_context_takeover(true).client_no_context_takeover(true);
    talk(deflate, "permessage-deflate; server_no_context_takeover; client_no_context_takeover").await;
}

#[tokio::test]
async fn chromium_obeys_the_window_limit() {
    let deflate = Deflate::new().context_takeover(true).client_max_window_bits(10).server_max_window_bits(9);
    talk(deflate, "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10").await;
}

//! Compressed messages.

use std::ffi::OsString;

use tower_websocket::{AcceptAll, Config, Deflate, WebSocketUpgradeLayer};

use super::{Over, able, echo, script, start, talk};

/// Starts an echo server with this setting, and returns its URL.
async fn start_echo(deflate: Option<Deflate>) -> String {
    let config = Config::new().max_message_size(16 << 20).max_frame_size(16 << 20);
    let config = match deflate {
        None => config,
        Some(deflate) => config.deflate(deflate),
    };
    let layer = WebSocketUpgradeLayer::new(AcceptAll::new(), echo).with_config(config);
    start(layer, &Over::Tcp).await
}

/// Runs a client that offers all there is to offer, against servers that agree on no compression, compress each message by
/// itself, take over, and demand of the client that nothing is taken over.
async fn run(name: &str, command: Vec<OsString>) {
    let commands = [command];
    let Some(command) = able(name, &commands).await else { return };
    let demanding = Deflate::new().server_no_context_takeover(true).client_no_context_takeover(true);
    let mut urls = Vec::new();
    for deflate in [None, Some(Deflate::new()), Some(Deflate::new().context_takeover(true)), Some(demanding)]
    {
        urls.push(start_echo(deflate).await);
    }
    talk(command, &urls, &Over::Tcp).await;
}

fn python() -> OsString {
    std::env::var_os("PYTHON").unwrap_or("python3".into())
}

#[tokio::test]
async fn python_websockets_compresses() {
    run("Python with `websockets`", vec![python(), script("deflate.py")]).await;
}

#[tokio::test]
async fn node_ws_compresses() {
    run("Node with `ws`", vec!["node".into(), script("deflate.mjs")]).await;
}

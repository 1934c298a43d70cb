//! Compressed messages.

use std::ffi::OsString;

use tower_websocket::{AcceptAll, Config, Deflate, WebSocketUpgradeLayer};

use super::{Over, able, echo, script, start, talk};

/// Runs a client against servers that agree on no compression, on one without context takeover, and on one with it.
async fn run(name: &str, command: Vec<OsString>) {
    let commands = [command];
    let Some(command) = able(name, &commands).await else { return };
    let mut urls = Vec::new();
    for deflate in [None, Some(false), Some(true)] {
        let config = Config::new().max_message_size(16 << 20).max_frame_size(16 << 20);
        let config = match deflate {
            None => config,
            Some(takeover) => config.deflate(Deflate::new().context_takeover(takeover)),
        };
        let layer = WebSocketUpgradeLayer::new(AcceptAll::new(), echo).with_config(config);
        urls.push(start(layer, &Over::Tcp).await);
    }
    talk(command, &urls, &Over::Tcp).await;
}

#[tokio::test]
async fn python_websockets_compresses() {
    let python = std::env::var_os("PYTHON").unwrap_or("python3".into());
    run("Python with `websockets`", vec![python, script("deflate.py")]).await;
}

#[tokio::test]
async fn node_ws_compresses() {
    run("Node with `ws`", vec!["node".into(), script("deflate.mjs")]).await;
}

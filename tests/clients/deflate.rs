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
    let layer = WebSocketUpgradeLayer::new(AcceptAll, echo).with_config(config);
    start(layer, &Over::Tcp).await
}

/// Runs a client that offers all parameters, against servers that do not compress, compress each
/// message separately, use context takeover, and forbid the client to use it.
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

/// Runs a client with a fixed offer against a server with the default settings, and one with
/// context takeover. Only the extension without parameters may be negotiated.
async fn run_with_defaults(name: &str, command: Vec<OsString>) {
    let commands = [command];
    let Some(command) = able(name, &commands).await else { return };
    let mut arguments = Vec::new();
    for deflate in [Deflate::new(), Deflate::new().context_takeover(true)] {
        arguments.push(start_echo(Some(deflate)).await);
        arguments.push("permessage-deflate".to_owned());
    }
    talk(command, &arguments, &Over::Tcp).await;
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

/// Tornado ignores parameters without a value, so it always uses context takeover.
#[tokio::test]
async fn tornado_compresses() {
    run_with_defaults("Python with `tornado`", vec![python(), script("deflate_tornado.py")]).await;
}

/// Mojolicious ignores parameters.
#[tokio::test]
async fn mojolicious_compresses() {
    run_with_defaults("Perl with `Mojolicious`", vec!["perl".into(), script("deflate_mojo.pl")]).await;
}

/// Netty rejects parameters that it did not offer. It offers to limit its window although it cannot
/// without JZlib, which is not installed here.
#[tokio::test]
async fn netty_compresses() {
    let jars = std::env::var("NETTY").unwrap_or("/usr/share/java".into());
    let parts = ["buffer", "codec", "codec-http", "common", "handler", "resolver", "transport"];
    let path = parts.map(|part| format!("{jars}/netty-{part}.jar")).join(":");
    let command = vec!["java".into(), "-cp".into(), path.into(), script("DeflateNetty.java")];
    run_with_defaults("Java with Netty", command).await;
}

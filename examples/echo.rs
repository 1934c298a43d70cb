//! A server that echoes every text and binary message, on every path.
//!
//! ```sh
//! cargo run --example echo -- --port 9001
//! ```
//!
//! Connect with any WebSocket client, or from a browser's console. For the console, start the
//! server with `--any-origin`, as the page has another origin, and use a page without a content
//! security policy:
//!
//! ```js
//! let socket = new WebSocket("ws://127.0.0.1:9001");
//! socket.onmessage = event => console.log(event.data);
//! socket.onopen = () => socket.send("hello");
//! ```
//!
//! With the feature `http2`, it also accepts HTTP/2 with prior knowledge. With the feature `tls`,
//! `--tls` makes a self-signed certificate for `localhost` and 127.0.0.1:
//!
//! ```sh
//! cargo run --example echo --features http2,tls -- --port 9001 --tls
//! ```
//!
//! It responds only to requests for the names of its loopback address. A page elsewhere whose name
//! was changed to point there (DNS rebinding) gets 421.
//!
//! - `--port N` sets the port (0 picks one).
//! - `--max-message-size BYTES` limits messages.
//! - `--any-origin` accepts requests from any page.
//! - `--tls`, with the feature `tls`, uses TLS.
//! - `--deflate`, with the feature `deflate`, compresses messages. `--deflate=takeover` also keeps
//!   the compression window between messages.

use tokio::net::TcpListener;
use tower_websocket::{
    AllowHost, AllowOrigin, Config, Error, WebSocket, WebSocketUpgradeLayer, serve,
    server::{HttpService, Serve},
};

async fn echo(mut socket: WebSocket) -> Result<(), Error> {
    while let Some(message) = socket.recv_data().await {
        socket.send(message?).await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut port, mut is_tls) = (9001, false);
    let mut config = Config::new().allow_host(AllowHost::list(["localhost", "127.0.0.1", "[::1]"])?);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--port" => port = value()?.parse()?,
            "--max-message-size" => {
                let bytes = value()?.parse()?;
                config = config.max_message_size(bytes).max_frame_size(bytes);
            }
            #[cfg(feature = "deflate")]
            "--deflate" => config = config.deflate(tower_websocket::Deflate::new()),
            #[cfg(feature = "deflate")]
            "--deflate=takeover" => {
                config = config.deflate(tower_websocket::Deflate::new().context_takeover(true));
            }
            "--any-origin" => config = config.allow_origin(AllowOrigin::any()),
            "--tls" => is_tls = true,
            _ => return Err(format!("unknown argument {arg}").into()),
        }
    }

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let addr = listener.local_addr()?;
    let layer = WebSocketUpgradeLayer::accept_all(echo).with_config(config);
    let service = layer.into_service();
    let server = if is_tls { with_tls(listener, service)? } else { serve(listener, service) };
    println!("listening on {}://{addr}", if is_tls { "wss" } else { "ws" });
    server.with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) }).await?;
    Ok(())
}

/// Adds TLS with a certificate made for this run.
#[cfg(feature = "tls")]
fn with_tls<S: HttpService>(
    listener: TcpListener,
    service: S,
) -> Result<Serve<TcpListener, S>, Box<dyn std::error::Error>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let tls = tower_websocket::server::TlsConfig::from_pem(chain.as_bytes(), key.as_bytes())?;
    Ok(tower_websocket::serve_tls(listener, tls, service))
}

#[cfg(not(feature = "tls"))]
fn with_tls<S: HttpService>(
    _: TcpListener,
    _: S,
) -> Result<Serve<TcpListener, S>, Box<dyn std::error::Error>> {
    Err("--tls needs the feature `tls`: cargo run --example echo --features http2,tls -- --tls".into())
}

//! A `wss://` server with a self-signed certificate, over HTTP/1.1 and HTTP/2.
//!
//! ```sh
//! cargo run --example tls --features tls,http2
//! curl --insecure https://localhost:9019/
//! ```
//!
//! Or open <https://localhost:9019/> in a browser and trust the certificate. The page opens a
//! WebSocket at the same address, and shows over which protocol it was opened. A browser that
//! loaded the page over HTTP/2 opens the WebSocket on the same connection.
//!
//! `--port N` sets the port (0 picks one). `--cert FILE` and `--key FILE` set the certificate and
//! the key, in PEM. SIGHUP reloads both files for new connections.

use std::{convert::Infallible, error::Error};

use http::{Request, Response, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use tokio::net::TcpListener;
use tower::{Layer, service_fn};
use tower_websocket::{
    Handshake, Rejection, WebSocket, WebSocketUpgradeLayer, serve_tls,
    server::{TlsConfig, TlsInfo},
};

const PAGE: &str = r#"<!doctype html><title>tower-websocket</title><pre id=log></pre><script>
let socket = new WebSocket(location.href.replace("http", "ws"));
socket.onmessage = event => log.textContent += event.data + "\n";
socket.onopen = () => socket.send("hello");
</script>"#;

async fn page(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let page = Response::builder().header(CONTENT_TYPE, "text/html").body(PAGE.into());
    Ok(page.expect("a valid response"))
}

/// Attaches the protocol over which the WebSocket is opened.
async fn handshake(request: Request<Handshake>) -> Result<Response<String>, Rejection> {
    let tls = request.extensions().get::<TlsInfo>();
    let version = tls.and_then(TlsInfo::protocol_version);
    let over =
        format!("over {:?} and {}", request.version(), version.map_or("no TLS".into(), |v| format!("{v:?}")));
    Ok(request.into_body().accept(over))
}

async fn echo(mut socket: WebSocket, over: String) {
    if socket.send(over).await.is_err() {
        return;
    }
    while let Some(Ok(message)) = socket.recv_data().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

fn load(files: Option<&(String, String)>) -> Result<TlsConfig, Box<dyn Error>> {
    let Some((cert, key)) = files else {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        return Ok(TlsConfig::from_pem(
            made.cert.pem().as_bytes(),
            made.signing_key.serialize_pem().as_bytes(),
        )?);
    };
    Ok(TlsConfig::from_pem_files(cert, key)?)
}

/// Reloads the certificate on each SIGHUP.
#[cfg(unix)]
async fn reload(tls: TlsConfig, files: Option<(String, String)>) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    while hangup.recv().await.is_some() {
        match load(files.as_ref()) {
            Ok(renewed) => {
                tls.replace(renewed);
                println!("the certificate was reloaded");
            }
            Err(error) => eprintln!("the certificate was not reloaded: {error}"),
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (mut port, mut cert, mut key) = (9019, None, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or(format!("{arg} needs a value"))?;
        match arg.as_str() {
            "--port" => port = value.parse()?,
            "--cert" => cert = Some(value),
            "--key" => key = Some(value),
            _ => return Err(format!("unknown argument {arg}").into()),
        }
    }
    let files = cert.zip(key);
    let tls = load(files.as_ref())?;
    #[cfg(unix)]
    tokio::spawn(reload(tls.clone(), files));

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on https://localhost:{}/", listener.local_addr()?.port());
    let layer = WebSocketUpgradeLayer::new(service_fn(handshake), echo);
    serve_tls(listener, tls, layer.layer(service_fn(page))).await?;
    Ok(())
}

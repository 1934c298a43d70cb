//! Clients of other projects, against the servers of the examples.
//!
//! If the interpreter or package of a client is missing, its test prints that it is skipped, and
//! fails if `REQUIRE_CLIENTS=1` is set. `PYTHON` is the Python to use, `NODE_PATH` the directory of
//! Node's packages, and `NETTY` the directory of Netty's archives (default: `/usr/share/java`).

#[cfg(feature = "deflate")]
mod deflate;

use std::{
    ffi::OsString,
    future::{Future, IntoFuture},
    time::Duration,
};

use http::{Request, Response, StatusCode};
use tokio::{
    net::TcpListener,
    process::Command,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};
use tower::service_fn;
use tower_websocket::{
    AcceptAll, CloseCode, CloseFrame, Handshake, HandshakeService, Message, Rejection, WebSocket,
    WebSocketUpgradeLayer, serve,
};

/// As in `examples/echo.rs`.
async fn echo(mut socket: WebSocket, (): ()) {
    while let Some(Ok(message)) = socket.recv().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            break;
        }
    }
}

/// As in `examples/calendar/main.rs`.
async fn handshake(request: Request<Handshake>) -> Result<Response<(u16, u8)>, Rejection> {
    let Some((year, month)) = parse(request.uri().path()) else {
        return Err((StatusCode::NOT_FOUND, "the path must be /YEAR/MONTH\n").into());
    };
    let mut handshake = request.into_body();
    handshake.select_protocol(["mytest"]);
    Ok(handshake.accept((year, month)))
}

async fn calendar(mut socket: WebSocket, (year, month): (u16, u8)) {
    if socket.send(format!("You are accessing YEAR = {year}, MONTH = {month}")).await.is_err() {
        return;
    }
    while let Some(Ok(_)) = socket.recv().await {}
}

fn parse(path: &str) -> Option<(u16, u8)> {
    let (year, month) = path.strip_prefix('/')?.split_once('/')?;
    let month = month.parse().ok().filter(|month| (1..=12).contains(month))?;
    Some((year.parse().ok()?, month))
}

/// Pings and closes on request, and reports each received Close.
async fn obey(mut socket: WebSocket, closed: UnboundedSender<(u16, String)>) {
    while let Some(Ok(message)) = socket.recv().await {
        let sent = match message {
            Message::Text(text) if text.as_str() == "ping" => socket.send(Message::Ping("p".into())).await,
            Message::Text(text) if text.as_str() == "close" => {
                let code = CloseCode::try_from(4002).unwrap();
                return socket.close(code, "on demand").await.unwrap();
            }
            Message::Pong(payload) => socket.send(Message::Binary(payload)).await,
            Message::Close(frame) => {
                let told = frame.map(|CloseFrame { code, reason }| (code.into(), reason.to_string()));
                return drop(closed.send(told.unwrap_or_default()));
            }
            _ => Ok(()),
        };
        sent.unwrap();
    }
}

/// How clients reach the servers.
#[derive(Clone, Debug)]
enum Over {
    Tcp,
    /// Over TLS, with the file of the certificate's authority.
    #[cfg(feature = "tls")]
    Tls(tower_websocket::server::TlsConfig, OsString),
}

/// Serves on a free port, and returns its URL.
async fn start<H, F, Fut>(layer: WebSocketUpgradeLayer<H, F>, over: &Over) -> String
where
    H: HandshakeService,
    F: Fn(WebSocket, H::Extra) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let service = layer.into_service();
    let (server, scheme) = match over {
        Over::Tcp => (serve(listener, service), "ws"),
        #[cfg(feature = "tls")]
        Over::Tls(tls, _) => (tower_websocket::serve_tls(listener, tls.clone(), service), "wss"),
    };
    tokio::spawn(server.into_future());
    format!("{scheme}://127.0.0.1:{port}")
}

/// Returns the URLs of the three servers, and the Closes that the third receives.
async fn start_all(over: &Over) -> ([String; 3], UnboundedReceiver<(u16, String)>) {
    let (closed, closes) = unbounded_channel();
    let obey = WebSocketUpgradeLayer::new(AcceptAll, move |socket, ()| obey(socket, closed.clone()));
    let urls = [
        start(WebSocketUpgradeLayer::new(AcceptAll, echo), over).await,
        start(WebSocketUpgradeLayer::new(service_fn(handshake), calendar), over).await,
        start(obey, over).await,
    ];
    (urls, closes)
}

/// Runs the first of `commands` that can run, against the three servers.
async fn run(name: &str, commands: &[Vec<OsString>], over: Over) {
    let Some(command) = able(name, commands).await else { return };
    let (urls, mut closes) = start_all(&over).await;
    let told = talk(command, &urls, &over).await;
    for expected in [(1000, "done"), (4001, "own reason")] {
        let (code, reason) = closes.recv().await.unwrap();
        assert_eq!((code, reason.as_str()), expected, "{told}");
    }
}

/// Returns the first of `commands` that can run, according to its `--check`.
async fn able<'a>(name: &str, commands: &'a [Vec<OsString>]) -> Option<&'a [OsString]> {
    for command in commands {
        let check = Command::new(&command[0]).args(&command[1..]).arg("--check").output().await;
        if check.is_ok_and(|output| output.status.success()) {
            return Some(command);
        }
    }
    let required = std::env::var_os("REQUIRE_CLIENTS").is_some_and(|value| value == "1");
    assert!(!required, "{name} is not there, and REQUIRE_CLIENTS=1 is set");
    // The test harness captures `eprintln!`.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("SKIPPED: no {name}\n").as_bytes());
    None
}

/// Runs a client against the servers at these URLs, and returns its output.
async fn talk(command: &[OsString], urls: &[String], over: &Over) -> String {
    let mut client = Command::new(&command[0]);
    client.args(&command[1..]).args(urls).kill_on_drop(true);
    #[cfg(feature = "tls")]
    if let Over::Tls(_, authority) = over {
        // Node and Python's `ssl` read these variables.
        client.env("NODE_EXTRA_CA_CERTS", authority).env("SSL_CERT_FILE", authority);
    }
    #[cfg(not(feature = "tls"))]
    let Over::Tcp = over;
    let output = timeout(Duration::from_secs(120), client.output()).await.expect("the client hangs").unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    told.into_owned()
}

fn script(name: &str) -> OsString {
    format!("{}/tests/clients/{name}", env!("CARGO_MANIFEST_DIR")).into()
}

async fn python(over: Over) {
    let python = std::env::var_os("PYTHON").unwrap_or("python3".into());
    run("Python with `websockets`", &[vec![python, script("client.py")]], over).await;
}

async fn node(over: Over) {
    let flag = "--experimental-websocket";
    let commands = [
        vec!["node".into(), script("client.mjs")],
        vec!["node".into(), flag.into(), "--no-warnings".into(), script("client.mjs")],
    ];
    run("Node with `WebSocket` or `ws`", &commands, over).await;
}

#[tokio::test]
async fn python_websockets_talks_to_the_servers() {
    python(Over::Tcp).await;
}

#[tokio::test]
async fn node_talks_to_the_servers() {
    node(Over::Tcp).await;
}

/// A self-signed certificate for 127.0.0.1, and its file, which is removed at the end.
#[cfg(feature = "tls")]
struct Certificate(tower_websocket::server::TlsConfig, std::path::PathBuf);

#[cfg(feature = "tls")]
impl Certificate {
    fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let path = std::env::temp_dir().join(format!("tower-websocket-{name}-{}.pem", std::process::id()));
        std::fs::write(&path, made.cert.pem()).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        Self(tower_websocket::server::TlsConfig::from_pem(chain.as_bytes(), key.as_bytes()).unwrap(), path)
    }

    fn over(&self) -> Over {
        Over::Tls(self.0.clone(), self.1.clone().into())
    }
}

#[cfg(feature = "tls")]
impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.1);
    }
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn python_websockets_talks_to_the_servers_over_tls() {
    let certificate = Certificate::new("python");
    python(certificate.over()).await;
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn node_talks_to_the_servers_over_tls() {
    let certificate = Certificate::new("node");
    node(certificate.over()).await;
}

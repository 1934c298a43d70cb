//! Clients of other makes, against the servers of the examples.
//!
//! A client whose interpreter or package is not there is skipped, loudly, unless `REQUIRE_CLIENTS=1` is set.

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

/// As in `examples/calendar.rs`.
async fn handshake(request: Request<Handshake>) -> Result<Response<(u16, u8)>, Rejection> {
    let Some((year, month)) = parse(request.uri().path()) else {
        return Err((StatusCode::NOT_FOUND, "the path must be /YEAR/MONTH\n").into());
    };
    let mut handshake = request.into_body();
    handshake.select_protocol(["mytest"]);
    Ok(handshake.accept((year, month)))
}

async fn calendar(mut socket: WebSocket, (year, month): (u16, u8)) {
    let _ = socket.send(format!("You are accessing YEAR = {year}, MONTH = {month}")).await;
}

fn parse(path: &str) -> Option<(u16, u8)> {
    let (year, month) = path.strip_prefix('/')?.split_once('/')?;
    let month = month.parse().ok().filter(|month| (1..=12).contains(month))?;
    Some((year.parse().ok()?, month))
}

/// Pings and closes on demand, and tells of each Close that it receives.
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

/// Serves on a port of its own, which it returns.
async fn start<H, F, Fut>(layer: WebSocketUpgradeLayer<H, F>) -> String
where
    H: HandshakeService,
    F: Fn(WebSocket, H::Extra) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(listener, layer.into_service()).into_future());
    port.to_string()
}

/// The ports of the three servers, and the Closes that the third receives.
async fn start_all() -> ([String; 3], UnboundedReceiver<(u16, String)>) {
    let (closed, closes) = unbounded_channel();
    let obey = WebSocketUpgradeLayer::new(AcceptAll::new(), move |socket, ()| obey(socket, closed.clone()));
    let ports = [
        start(WebSocketUpgradeLayer::new(AcceptAll::new(), echo)).await,
        start(WebSocketUpgradeLayer::new(service_fn(handshake), calendar)).await,
        start(obey).await,
    ];
    (ports, closes)
}

/// Runs the first of `commands` that is able to, as it says when it is called with `--check`.
async fn run(name: &str, commands: &[Vec<OsString>]) {
    let mut able = None;
    for command in commands {
        let check = Command::new(&command[0]).args(&command[1..]).arg("--check").output().await;
        if check.is_ok_and(|output| output.status.success()) {
            able = Some(command);
            break;
        }
    }
    let Some(command) = able else {
        let required = std::env::var_os("REQUIRE_CLIENTS").is_some_and(|value| value == "1");
        assert!(!required, "{name} is not there, and REQUIRE_CLIENTS=1 is set");
        // Not `eprintln!`, which the test harness keeps to itself.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("SKIPPED: no {name}\n").as_bytes());
        return;
    };
    let (ports, mut closes) = start_all().await;
    let client = Command::new(&command[0]).args(&command[1..]).args(&ports).kill_on_drop(true).output();
    let output = timeout(Duration::from_secs(60), client).await.expect("the client hangs").unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    for expected in [(1000, "done"), (4001, "own reason")] {
        let (code, reason) = closes.recv().await.unwrap();
        assert_eq!((code, reason.as_str()), expected, "{told}");
    }
}

fn script(name: &str) -> OsString {
    format!("{}/tests/clients/{name}", env!("CARGO_MANIFEST_DIR")).into()
}

#[tokio::test]
async fn python_websockets_talks_to_the_servers() {
    let python = std::env::var_os("PYTHON").unwrap_or("python3".into());
    run("Python with `websockets`", &[vec![python, script("client.py")]]).await;
}

#[tokio::test]
async fn node_talks_to_the_servers() {
    let flag = "--experimental-websocket";
    let commands = [
        vec!["node".into(), script("client.mjs")],
        vec!["node".into(), flag.into(), "--no-warnings".into(), script("client.mjs")],
    ];
    run("Node with `WebSocket` or `ws`", &commands).await;
}

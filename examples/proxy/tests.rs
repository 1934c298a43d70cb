//! Tests the gateway between clients and servers of this crate, at the byte level, and of other
//! projects.
//!
//! One test runs it between Python with `websockets` as the client and Node with `ws` as the
//! server. Without them, it prints that it is skipped, and fails if `REQUIRE_CLIENTS=1` is set.
//! `PYTHON` is the Python to use, and `NODE_PATH` the directory of Node's packages.

use std::{
    future::IntoFuture,
    io::Write,
    net::SocketAddr,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use http::{Request, StatusCode};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpSocket, TcpStream},
    process::Command,
    time::{sleep, timeout},
};
use tower_websocket::{
    AcceptAll, Acceptor, CloseCode, Connector, Message, WebSocket,
    connect::{ConnectError, ConnectErrorKind},
    handshake::ResponseError,
    serve,
};

use crate::gateway;

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// Starts a gateway to the server at `upstream`.
async fn start(upstream: SocketAddr) -> SocketAddr {
    let (listener, addr) = listen().await;
    tokio::spawn(serve(listener, gateway::service(upstream.to_string())).into_future());
    addr
}

async fn connect(gateway: SocketAddr) -> Result<WebSocket<TcpStream>, ConnectError<TcpStream>> {
    let io = TcpStream::connect(gateway).await.unwrap();
    let request = Request::get(format!("ws://{gateway}/")).body(()).unwrap();
    Connector::new().connect(request, io).await.map(|(socket, _)| socket)
}

/// Returns both ends of a connection through the gateway: the client's and the server's.
async fn pair() -> (WebSocket<TcpStream>, WebSocket<TcpStream>) {
    let (listener, addr) = listen().await;
    let accepting = tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        Acceptor::new(AcceptAll).accept(io).await.unwrap().0
    });
    let client = connect(start(addr).await).await.unwrap();
    (client, accepting.await.unwrap())
}

/// Receives until the end, and returns the code and the reason of the Close.
async fn closed(socket: &mut WebSocket<TcpStream>) -> (u16, String) {
    while let Some(Ok(_)) = socket.recv().await {}
    let info = socket.close_info().unwrap();
    (info.code(), info.reason().to_owned())
}

#[tokio::test]
async fn close_passes_in_both_directions_with_its_code_and_reason() {
    let cases = [Some(1000), Some(1001), Some(1011), Some(1014), Some(3000), Some(4999), None];
    for (code, is_clients) in cases.into_iter().flat_map(|code| [(code, true), (code, false)]) {
        let (mut one, mut other) = pair().await;
        if !is_clients {
            std::mem::swap(&mut one, &mut other);
        }
        one.send("before").await.unwrap();
        let reason = if code.is_some() { "why" } else { "" };
        let closing = tokio::spawn(async move {
            one.close(code.map(|code| CloseCode::try_from(code).unwrap()), reason).await.unwrap();
        });
        assert_eq!(other.recv_data().await.unwrap().unwrap(), Message::text("before"));
        assert_eq!(closed(&mut other).await, (code.unwrap_or(1005), reason.to_owned()));
        drop(other);
        closing.await.unwrap();
    }
}

#[tokio::test]
async fn lost_side_closes_the_other_with_1014() {
    for (is_clients, code) in [(true, 1001), (false, 1014)] {
        let (mut one, mut other) = pair().await;
        if !is_clients {
            std::mem::swap(&mut one, &mut other);
        }
        // The connection ends without a Close.
        drop(one.into_inner().await.unwrap());
        assert_eq!(closed(&mut other).await.0, code);
    }
}

#[tokio::test]
async fn stalled_client_slows_the_server_and_loses_nothing() {
    const COUNT: usize = 6000;
    const SIZE: usize = 16 * 1024;
    let (mut client, server) = pair().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let sending = tokio::spawn({
        let sent = Arc::clone(&sent);
        async move {
            let (sender, mut receiver) = server.split();
            for i in 0..COUNT {
                sender.send(Message::binary(vec![i as u8; SIZE])).await.unwrap();
                sent.fetch_add(1, Relaxed);
            }
            sender.close(CloseCode::NORMAL, "");
            while receiver.recv().await.is_some() {}
        }
    });
    // The sender stops making progress.
    let mut before = usize::MAX;
    while before != sent.load(Relaxed) || before == 0 {
        before = sent.load(Relaxed);
        sleep(Duration::from_millis(300)).await;
    }
    assert!(before < COUNT / 2, "{before} messages of {SIZE} bytes are somewhere");
    for i in 0..COUNT {
        let message = client.recv_data().await.unwrap().unwrap();
        assert!(message == Message::binary(vec![i as u8; SIZE]), "message {i}");
    }
    assert_eq!(closed(&mut client).await.0, 1000);
    sending.await.unwrap();
}

fn status(error: &ConnectError<TcpStream>) -> StatusCode {
    match error.kind() {
        ConnectErrorKind::Response(ResponseError::Status(status)) => *status,
        kind => panic!("{kind:?}"),
    }
}

#[tokio::test]
async fn upstream_rejection_is_sent_before_the_upgrade() {
    // Nothing listens there, and no other socket can take the port.
    let bound = TcpSocket::new_v4().unwrap();
    bound.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let error = connect(start(bound.local_addr().unwrap()).await).await.unwrap_err();
    assert_eq!(status(&error), StatusCode::BAD_GATEWAY);

    for (answer, expected) in [
        ("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno", 401),
        ("HTTP/1.1 302 Found\r\nLocation: /there\r\nConnection: close\r\n\r\n", 302),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", 503),
        ("HTTP/1.1 200 OK\r\n\r\na page", 502),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", 502),
        ("SSH-2.0-OpenSSH\r\n", 502),
        ("", 502),
    ] {
        let (listener, addr) = listen().await;
        tokio::spawn(async move {
            let (mut io, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(io.read_u8().await.unwrap());
            }
            io.write_all(answer.as_bytes()).await.unwrap();
            io.shutdown().await.unwrap();
        });
        let error = connect(start(addr).await).await.unwrap_err();
        assert_eq!(status(&error).as_u16(), expected, "{answer:?}");
        let response = error.response().unwrap();
        assert_eq!(response.headers().contains_key("www-authenticate"), expected == 401);
        assert_eq!(response.headers().contains_key("location"), expected == 302);
    }

    // It accepts the connection, but does not respond.
    let (_listener, addr) = listen().await;
    let error = connect(start(addr).await).await.unwrap_err();
    assert_eq!(status(&error), StatusCode::GATEWAY_TIMEOUT);
}

fn script(name: &str) -> String {
    format!("{}/examples/proxy/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn python() -> Command {
    let mut python = Command::new(std::env::var_os("PYTHON").unwrap_or("python3".into()));
    python.arg(script("client.py")).kill_on_drop(true);
    python
}

fn node() -> Command {
    let mut node = Command::new("node");
    node.arg(script("upstream.mjs")).kill_on_drop(true);
    node
}

#[tokio::test]
async fn python_client_reaches_node_server() {
    for (name, mut command) in [("Python with `websockets`", python()), ("Node with `ws`", node())] {
        if command.arg("--check").output().await.is_ok_and(|output| output.status.success()) {
            continue;
        }
        let required = std::env::var_os("REQUIRE_CLIENTS").is_some_and(|value| value == "1");
        assert!(!required, "{name} is not there, and REQUIRE_CLIENTS=1 is set");
        // The test harness captures `eprintln!`.
        let _ = std::io::stderr().write_all(format!("SKIPPED: no {name}\n").as_bytes());
        return;
    }
    let mut server = node().stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let port = lines.next_line().await.unwrap().unwrap().parse().unwrap();
    let gateway = start(SocketAddr::from(([127, 0, 0, 1], port))).await;
    let running = python().arg(format!("ws://{gateway}")).output();
    let output = timeout(Duration::from_secs(90), running).await.expect("the client hangs").unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The server's view of the client's Closes.
    for expected in ["closed 4001 own reason", "closed 1000"] {
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some(expected));
    }
}

/// Returns the values of a header in the request that the gateway sends for a client's request,
/// whose key and version are added.
async fn forwarded(target: &str, headers: &str, name: &str) -> Vec<String> {
    let (listener, addr) = listen().await;
    let gateway = start(addr).await;
    let mut client = TcpStream::connect(gateway).await.unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\n{headers}Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    client.write_all(request.as_bytes()).await.unwrap();
    let (io, _) = listener.accept().await.unwrap();
    let mut lines = BufReader::new(io).lines();
    let mut values = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
        values.extend(line.to_lowercase().strip_prefix(&format!("{name}: ")).map(str::to_owned));
    }
    values
}

/// A client that names it in `Connection` does not hide its address.
#[tokio::test]
async fn upstream_server_gets_the_clients_address() {
    let headers = "Host: a\r\nConnection: Upgrade, X-Forwarded-For\r\nX-Forwarded-For: 192.0.2.1\r\n";
    assert_eq!(forwarded("/", headers, "x-forwarded-for").await, ["127.0.0.1"]);
}

/// The layer checks the host of an absolute target, which may differ from `Host`.
#[tokio::test]
async fn upstream_server_gets_the_host_that_was_checked() {
    let headers = "Host: inner.example\r\nConnection: Upgrade\r\n";
    assert_eq!(forwarded("/", headers, "host").await, ["inner.example"]);
    assert_eq!(forwarded("http://outer.example/", headers, "host").await, ["outer.example"]);
}

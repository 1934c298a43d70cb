//! Servers of other projects: Node's `ws` and Python's `websockets`.
//!
//! If one is missing, its test prints that it is skipped, and fails if `REQUIRE_CLIENTS=1` is set.
//! `PYTHON` is the Python to use, and `NODE_PATH` the directory of Node's packages.

use std::{io::Write, process::Stdio, time::Duration};

use http::Request;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
    time::timeout,
};
use tower_websocket::{
    CloseCode, Config, Connector, Message, WebSocket,
    connect::{ConnectError, ConnectErrorKind},
    handshake::ResponseError,
};

/// A server, and its output.
struct Server {
    _process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
}

async fn start(name: &str, program: &str, script: &str) -> Option<Server> {
    let command = || {
        let mut command = Command::new(program);
        command.arg(format!("{}/tests/connector/{script}", env!("CARGO_MANIFEST_DIR"))).kill_on_drop(true);
        command
    };
    if !command().arg("--check").output().await.is_ok_and(|output| output.status.success()) {
        let required = std::env::var_os("REQUIRE_CLIENTS").is_some_and(|value| value == "1");
        assert!(!required, "{name} is not there, and REQUIRE_CLIENTS=1 is set");
        // The test harness captures `eprintln!`.
        let _ = std::io::stderr().write_all(format!("SKIPPED: no {name}\n").as_bytes());
        return None;
    }
    let mut process = command().stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let port = lines.next_line().await.unwrap().unwrap().parse().unwrap();
    Some(Server { _process: process, lines, port })
}

async fn connect(
    server: &Server,
    connector: &Connector,
    path: &str,
) -> Result<WebSocket<TcpStream>, ConnectError<TcpStream>> {
    let io = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    let request = Request::get(format!("ws://127.0.0.1:{}{path}", server.port)).body(()).unwrap();
    connector.connect(request, io).await.map(|(socket, _)| socket)
}

fn configs() -> Vec<Config> {
    let config = || Config::new().max_message_size(4 << 20).max_frame_size(4 << 20);
    #[cfg_attr(not(feature = "deflate"), expect(unused_mut))]
    let mut configs = vec![config()];
    #[cfg(feature = "deflate")]
    for deflate in [
        tower_websocket::Deflate::new(),
        tower_websocket::Deflate::new().context_takeover(true),
        tower_websocket::Deflate::new().client_no_context_takeover(true).server_no_context_takeover(true),
        tower_websocket::Deflate::new()
            .context_takeover(true)
            .client_max_window_bits(10)
            .server_max_window_bits(10),
    ] {
        configs.push(config().deflate(deflate));
    }
    configs
}

async fn talk(mut server: Server) {
    for config in configs() {
        let connector = Connector::new().with_config(config).protocol("other").protocol("chat");
        let mut socket = connect(&server, &connector, "/any?path").await.unwrap();
        assert_eq!(socket.protocol(), Some("chat"));
        let messages = [
            Message::text("hello"),
            Message::text(""),
            Message::text("snow \u{2603}, clef \u{1d11e}".repeat(1000)),
            Message::binary((0..=255).collect::<Vec<u8>>()),
            Message::binary(
                (0..3_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>(),
            ),
            Message::text("x".repeat(1 << 20)),
        ];
        for message in messages {
            socket.send(message.clone()).await.unwrap();
            assert!(socket.recv_data().await.unwrap().unwrap() == message, "{} bytes", message.len());
        }
        socket.send("ping").await.unwrap();
        assert_eq!(socket.recv().await.unwrap().unwrap(), Message::Ping("are you there".into()));
        assert_eq!(socket.recv_data().await.unwrap().unwrap(), Message::text("pinged"));
        socket.close(CloseCode::try_from(4001).unwrap(), "own reason").await.unwrap();
        assert_eq!(server.lines.next_line().await.unwrap().as_deref(), Some("closed 4001 own reason"));

        let mut socket = connect(&server, &connector, "/").await.unwrap();
        socket.send("close").await.unwrap();
        while socket.recv().await.is_some() {}
        let info = socket.close_info().unwrap();
        assert_eq!((info.code(), info.reason(), info.is_clean()), (4002, "on demand", true));
        drop(socket);
        assert_eq!(server.lines.next_line().await.unwrap().as_deref(), Some("closed 4002 on demand"));

        let error = connect(&server, &connector, "/no").await.unwrap_err();
        let is_refused = |kind: &ConnectErrorKind| matches!(kind, ConnectErrorKind::Response(ResponseError::Status(status)) if *status == 403);
        assert!(is_refused(error.kind()), "{error}");
    }
}

#[tokio::test]
async fn node_ws_serves_the_client() {
    if let Some(server) = start("Node with `ws`", "node", "foreign.mjs").await {
        timeout(Duration::from_secs(60), talk(server)).await.expect("the server hangs");
    }
}

#[tokio::test]
async fn python_websockets_serves_the_client() {
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    if let Some(server) = start("Python with `websockets`", &python, "foreign.py").await {
        timeout(Duration::from_secs(60), talk(server)).await.expect("the server hangs");
    }
}

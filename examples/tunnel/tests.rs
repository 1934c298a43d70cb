//! Tests the example in front of a server that echoes lines, and between npm's MQTT client and
//! broker: `cargo test --example tunnel`.
//!
//! Without Node and its packages `mqtt` and `aedes`, the second test prints that it is skipped, and
//! fails if `REQUIRE_CLIENTS=1` is set. `NODE_PATH` is the directory of Node's packages.

use std::{future::IntoFuture, io::Write, process::Stdio, time::Duration};

use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpSocket},
    process::Command,
    time::timeout,
};
use tokio_tungstenite::{connect_async, tungstenite};
use tower_websocket::{Message, serve};

/// Serves the example on a free port, and returns its URL.
async fn start(to: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, crate::service(to)).into_future());
    url
}

#[tokio::test]
async fn bytes_pass_in_both_directions_and_each_end_closes_the_other() {
    let lines = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = start(lines.local_addr().unwrap().to_string()).await;
    for client_closes in [false, true] {
        let (mut socket, _) = connect_async(&url).await.unwrap();
        let (mut tcp, _) = lines.accept().await.unwrap();
        socket.send(Message::binary(&b"hel"[..])).await.unwrap();
        socket.send(Message::binary(&b"lo\n"[..])).await.unwrap();
        let mut line = String::new();
        BufReader::new(&mut tcp).read_line(&mut line).await.unwrap();
        assert_eq!(line, "hello\n");
        tcp.write_all(b"world\n").await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::binary(&b"world\n"[..]));
        if client_closes {
            socket.close(None).await.unwrap();
            assert_eq!(BufReader::new(&mut tcp).read_line(&mut line).await.unwrap(), 0);
        } else {
            tcp.shutdown().await.unwrap();
            assert!(socket.next().await.unwrap().unwrap().is_close());
        }
    }
}

#[tokio::test]
async fn handshake_is_rejected_without_a_server() {
    // Nothing listens there, and no other socket can take the port.
    let bound = TcpSocket::new_v4().unwrap();
    bound.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = start(bound.local_addr().unwrap().to_string()).await;
    match connect_async(url).await {
        Err(tungstenite::Error::Http(response)) => assert_eq!(response.status(), StatusCode::BAD_GATEWAY),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn mqtt_client_reaches_the_broker() {
    let script = |name| format!("{}/examples/tunnel/{name}", env!("CARGO_MANIFEST_DIR"));
    let check = Command::new("node").args([script("mqtt.mjs"), "--check".into()]).output().await;
    if !check.is_ok_and(|output| output.status.success()) {
        let required = std::env::var_os("REQUIRE_CLIENTS").is_some_and(|value| value == "1");
        assert!(!required, "Node with `mqtt` and `aedes` is not there, and REQUIRE_CLIENTS=1 is set");
        // The test harness captures `eprintln!`.
        let _ = std::io::stderr().write_all(b"SKIPPED: no Node with `mqtt` and `aedes`\n");
        return;
    }
    let mut broker = Command::new("node")
        .arg(script("broker.mjs"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut port = String::new();
    BufReader::new(broker.stdout.take().unwrap()).read_line(&mut port).await.unwrap();
    let url = start(format!("127.0.0.1:{}", port.trim())).await;
    let mut client = Command::new("node");
    client.args([script("mqtt.mjs"), url]).kill_on_drop(true);
    let output = timeout(Duration::from_secs(60), client.output()).await.expect("the client hangs").unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("all messages arrived"), "{told}");
}

//! Tests the program with npm's `y-websocket`.
//!
//! Without Node, `yjs`, `y-websocket` and `ws`, the test prints that it is skipped, and fails if
//! `REQUIRE_CLIENTS=1` is set. `NODE_PATH` is the directory of Node's packages.

use std::{io::Write, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::timeout,
};

#[tokio::test]
async fn pages_converge() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/client.mjs");
    let check = Command::new("node").args([script, "--check"]).output().await;
    if !check.is_ok_and(|output| output.status.success()) {
        let required = std::env::var_os("REQUIRE_CLIENTS").is_some_and(|value| value == "1");
        assert!(!required, "Node with `y-websocket` and `ws` is not there, and REQUIRE_CLIENTS=1 is set");
        // The test harness captures `eprintln!`.
        let _ = std::io::stderr().write_all(b"SKIPPED: no Node with `y-websocket` and `ws`\n");
        return;
    }
    let mut server = Command::new(env!("CARGO_BIN_EXE_editing"));
    let mut server = server.arg("0").stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().expect("it starts");
    let url = line.strip_prefix("listening on ").unwrap();
    let client = Command::new("node").args([script, url]).kill_on_drop(true).output();
    let output = timeout(Duration::from_secs(60), client).await.expect("the client hangs").unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
}

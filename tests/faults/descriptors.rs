//! A server without free file descriptors: new clients wait, and are served once a descriptor is
//! free.
//!
//! `server_behaviour::serve_continues_after_running_out_of_file_descriptors` in `--test handshake`
//! tests accepting alone.

use std::{process::Stdio, time::Duration};

use futures_util::future::join_all;
use raw_client::{
    frame,
    opening::{read_head, request},
    whole::{CLOSE, TEXT},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Command,
    time::sleep,
};
use tower_websocket::Config;

use crate::{
    form::by_form,
    server::echo,
    trial::{Alone, Outcomes, runtime, soon},
};

/// How many descriptors the server may open.
const LIMIT: usize = 40;

/// The number of simultaneous clients.
const CLIENTS: usize = 60;

const TRIES: usize = 20;

/// The server, in a process with few descriptors. It does nothing unless another test starts it.
#[test]
#[ignore = "another test starts it"]
fn server() {
    if std::env::var_os("TOWER_WEBSOCKET_DESCRIPTORS").is_none() {
        return;
    }
    runtime().block_on(async {
        let (addr, shutdown) = crate::server::start(Config::new(), echo).await;
        println!("listens on {addr}");
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while lines.next_line().await.unwrap().is_some() {
            let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
            println!("there are {} sockets and {tasks} tasks", shutdown.connections());
        }
    });
}

#[test]
fn waiting_clients_are_served_once_descriptors_are_free() {
    let alone = Alone::new();
    let runtime = runtime();
    let outcomes = runtime.block_on(async {
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -n {LIMIT} && exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "descriptors::server", "--ignored", "--nocapture"])
            .env("TOWER_WEBSOCKET_DESCRIPTORS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut hear = async |word: &str| loop {
            let line = soon(lines.next_line()).await.unwrap().expect("the server is running");
            if let Some((_, rest)) = line.split_once(word) {
                return rest.to_owned();
            }
        };
        let addr: std::net::SocketAddr = hear("listens on ").await.parse().unwrap();
        let folder = format!("/proc/{}/fd", child.id().unwrap());
        let descriptors = || std::fs::read_dir(&folder).unwrap().count();
        let before = descriptors();
        stdin.write_all(b"?\n").await.unwrap();
        let nothing = hear("there are ").await;
        assert!(nothing.starts_with("0 sockets"), "{nothing}");

        let mut outcomes = Outcomes::default();
        for _ in 0..by_form(TRIES / 10, TRIES) {
            let clients = (0..CLIENTS).map(|_| async {
                let mut io = TcpStream::connect(addr).await.unwrap();
                io.write_all(request("/", "").as_bytes()).await.unwrap();
                io
            });
            let clients = join_all(clients).await;
            // The served clients keep their connections.
            soon(async {
                while descriptors() < LIMIT {
                    sleep(Duration::from_millis(1)).await;
                }
            })
            .await;
            let served = join_all(clients.into_iter().map(|mut io| async move {
                assert!(soon(read_head(&mut io)).await.unwrap().starts_with("HTTP/1.1 101 "));
                io.write_all(&frame(TEXT, b"hello")).await.unwrap();
                io.write_all(&frame(CLOSE, &[3, 232])).await.unwrap();
                let mut answer = Vec::new();
                soon(io.read_to_end(&mut answer)).await.unwrap();
                assert_eq!(answer, b"\x81\x05hello\x88\x02\x03\xe8");
            }));
            assert_eq!(served.await.len(), CLIENTS);
            soon(async {
                loop {
                    stdin.write_all(b"?\n").await.unwrap();
                    if hear("there are ").await == nothing && descriptors() == before {
                        break;
                    }
                    sleep(Duration::from_millis(1)).await;
                }
            })
            .await;
            outcomes.add(format!("all of {CLIENTS} clients were served"));
        }
        drop(stdin);
        assert!(soon(child.wait()).await.unwrap().success());
        outcomes
    });
    drop(runtime);
    alone.finish();
    outcomes.tell(&format!("out of descriptors, with {LIMIT} of them"));
}

//! nginx in front, with the example's `nginx.conf`.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, process::Stdio};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{Duration, sleep},
};

use crate::{
    client::Client,
    process::{Nats, Process, find, free_port, soon},
};

const CONFIG: &str = include_str!("../../nginx.conf");

struct Nginx {
    child: Child,
    addr: SocketAddr,
}

impl Nginx {
    /// Starts nginx with the configuration, in which only the ports are changed.
    async fn start(processes: &[Process]) -> Option<Self> {
        let program = find("nginx")?;
        let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut config = CONFIG.replace("127.0.0.1:9010", &addr.to_string());
        for (port, process) in [9011, 9012, 9013].iter().zip(processes) {
            config = config.replace(&format!("127.0.0.1:{port}"), &process.addr.to_string());
        }
        let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nginx-{}", addr.port()));
        std::fs::create_dir_all(prefix.join("logs")).unwrap();
        let file = prefix.join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let child = Command::new(program)
            .args([
                "-g",
                "daemon off; pid nginx.pid; error_log logs/error.log;",
                "-e",
                "logs/error.log",
                "-c",
            ])
            .arg(&file)
            .arg("-p")
            .arg(&prefix)
            // The workers would keep our stdin open.
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        soon(async {
            // nginx does not report when it listens.
            while TcpStream::connect(addr).await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        Some(Self { child, addr })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGKILL would leave the workers running.
        let pid = self.child.id().unwrap().to_string();
        let _ = std::process::Command::new("kill").args(["-TERM", &pid]).status();
    }
}

/// Returns the response to a `GET`, unparsed.
async fn get(addr: SocketAddr, path: &str, headers: &str) -> String {
    let mut io = TcpStream::connect(addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n{headers}Connection: close\r\n\r\n");
    io.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(io.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn nginx_spreads_sockets_over_the_processes() {
    let Some(nats) = Nats::start().await else { return };
    let mut processes = Vec::new();
    for _ in 0..3 {
        processes.push(Process::start(Some(&nats)).await);
    }
    let Some(nginx) = Nginx::start(&processes).await else { return };
    let page = get(nginx.addr, "/lobby/", "").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("<title>Chat</title>"), "{page}");

    // Nine sockets, three at each process, all in one room.
    let mut clients = Vec::new();
    for n in 0..9 {
        clients.push(Client::enter(nginx.addr, &format!("Guest{n}")).await);
    }
    let mut spread = BTreeMap::new();
    for client in &clients {
        *spread.entry(client.served_by.clone()).or_insert(0) += 1;
    }
    assert_eq!(spread.values().copied().collect::<Vec<_>>(), [3, 3, 3], "{spread:?}");
    clients[0].say("hello").await;
    for client in &mut clients {
        client.hears(&["hello".into()]).await;
    }

    // A process ends for a deploy. Its clients are closed with 1001, reconnect through nginx, and
    // reach the other processes.
    let gone = clients[0].served_by.clone();
    let mut ending = None;
    for n in (0..processes.len()).rev() {
        if Client::enter(processes[n].addr, "Probe").await.served_by == gone {
            ending = Some(processes.remove(n));
        }
    }
    let ending = tokio::spawn(ending.expect("one of the three").terminate());
    for client in &mut clients {
        client.until(|client| client.served_by != gone).await;
    }
    soon(ending).await.unwrap();
    clients[8].say("still here").await;
    for client in &mut clients {
        client.hears(&["still here".into()]).await;
        assert!(client.reconnects <= 1);
    }
    assert_eq!(clients.iter().map(|client| client.reconnects).sum::<usize>(), 3);
}

#[tokio::test]
async fn origin_check_works_behind_nginx() {
    let process = Process::start(None).await;
    let Some(nginx) = Nginx::start(std::slice::from_ref(&process)).await else { return };
    // The page's own origin is that of nginx. `Client` sends it.
    Client::enter(nginx.addr, "Ada").await;
    let headers = "Origin: https://evil.org\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let refused = get(nginx.addr, "/lobby/ws?name=Eve&key=1", headers).await;
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
}

#[test]
fn guide_shows_the_tested_configuration() {
    let guide = include_str!("../../../../src/guide/proxies.md");
    assert!(without_comments(guide).contains(&without_comments(&CONFIG[CONFIG.find("http {").unwrap()..])));
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(|line| [line, "\n"]).collect()
}

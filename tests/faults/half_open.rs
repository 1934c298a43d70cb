//! Peers whose packets are all dropped from some moment on: no data, answer or reset arrives.
//!
//! The server and the clients run in two network namespaces, connected by a pair of veth
//! interfaces. When the clients' interface is set down, all packets are lost. If namespaces cannot
//! be made, the test prints that it is skipped, and fails if `REQUIRE_NETNS=1` is set.

use std::{
    io::Write,
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use raw_client::{
    frame,
    http2::connect,
    opening::request,
    whole::{CLOSE, PONG, TEXT},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
};
use tower_websocket::{Config, serve};

use crate::{
    site::{Event, open, service},
    trial::{Alone, Census, is_again, nothing_else, runtime, soon},
};

/// The number of connections of each kind.
const EACH: usize = 50;

/// The addresses of the server and of the clients.
const SERVER: &str = "10.213.17.1";
const CLIENTS: &str = "10.213.17.2";

/// The environment variable with the role of this process.
const ROLE: &str = "TOWER_WEBSOCKET_HALF_OPEN";

/// The deadlines of the server. On a busy machine, the clients need some time to answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// How often the server pings.
const INTERVAL: Duration = Duration::from_secs(1);

/// Connections with a socket: the kind, the path of the handler, and the outcome it reports.
const SOCKETS: [(&str, &str, &str); 6] = [
    ("an idle socket", "/echo", TIMED_OUT),
    ("inside a message", "/echo", TIMED_OUT),
    ("an echo on its way", "/echo", TIMED_OUT),
    ("sending waits", "/send", "send failed with TimedOut"),
    ("our Close unanswered", "/close", "close() returned TimedOut"),
    ("the handler returned", "/leave", "the handler had returned"),
];

const TIMED_OUT: &str = "one error, TimedOut, and the end";

/// Connections without a socket, and the deadline that ends them.
const OTHERS: [(&str, &str); 3] = [
    ("half a request", "`first_request_timeout`"),
    ("a large page", "`write_timeout`"),
    ("HTTP/2 without a stream", "`http2_idle_timeout`"),
];

/// Runs `command`. The error contains its output.
fn run(command: &str) -> Result<(), String> {
    let mut words = command.split(' ');
    let output = Command::new(words.next().unwrap_or_default()).args(words).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{command}: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command}: {}", told.trim())) }
}

/// Checks that two namespaces can be made and connected.
fn probe() -> Result<(), String> {
    let script = "ip link add probe0 type veth peer name probe1 && ip link set probe0 up";
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "sh", "-c", script])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("unshare: {error}"))?;
    if status.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&status.stderr).trim().to_owned())
    }
}

#[test]
fn peers_whose_packets_are_dropped_are_disconnected() {
    let alone = Alone::new();
    if let Err(reason) = probe() {
        let required = std::env::var_os("REQUIRE_NETNS").is_some_and(|value| value == "1");
        assert!(!required, "no network namespace, and REQUIRE_NETNS=1 is set: {reason}");
        // The test harness captures `eprintln!`.
        let told = format!("SKIPPED: peers whose packets are dropped: no network namespace: {reason}\n");
        let _ = std::io::stderr().write_all(told.as_bytes());
        return;
    }
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "half_open::server", "--ignored", "--nocapture", "--quiet"])
        .env(ROLE, "server")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (told, errors) = (String::from_utf8_lossy(&status.stdout), String::from_utf8_lossy(&status.stderr));
    assert!(status.status.success(), "{told}\n{errors}");
    let rows: String =
        errors.lines().filter(|line| line.starts_with("| ")).map(|row| format!("{row}\n")).collect();
    let _ = std::io::stderr().write_all(rows.as_bytes());
    assert_eq!(rows.lines().count(), SOCKETS.len() + OTHERS.len(), "{errors}");
    alone.finish();
}

/// The server, in its own namespace. It does nothing unless another test starts it.
#[test]
#[ignore = "another test starts it"]
fn server() {
    if std::env::var(ROLE).is_ok_and(|role| role == "server") {
        runtime().block_on(serve_all());
    }
}

async fn serve_all() {
    run("ip link add wire0 type veth peer name wire1").unwrap();
    run(&format!("ip addr add {SERVER}/24 dev wire0")).unwrap();
    run("ip link set wire0 up").unwrap();
    let mut child = tokio::process::Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "half_open::clients", "--ignored", "--nocapture"])
        .env(ROLE, "clients")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut hear =
        async |word: &str| while !soon(lines.next_line()).await.unwrap().unwrap().ends_with(word) {};
    hear("here").await;
    run(&format!("ip link set wire1 netns {}", child.id().unwrap())).unwrap();

    let listener = TcpListener::bind((SERVER, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let config = Config::new()
        .keepalive_interval(INTERVAL)
        .keepalive_timeout(DEADLINE)
        .close_timeout(DEADLINE)
        .handshake_timeout(DEADLINE);
    let (tell, mut events) = mpsc::unbounded_channel();
    let server = serve(listener, service(config, tell))
        .first_request_timeout(DEADLINE)
        .write_timeout(DEADLINE)
        .http2_idle_timeout(DEADLINE);
    let shutdown = server.shutdown().clone();
    tokio::spawn(server.into_future());
    // A first client comes and goes, so that resources that are made once exist before they are
    // counted.
    stdin.write_all(format!("{addr}\n").as_bytes()).await.unwrap();
    hear("well").await;
    let census = move || Census::take(shutdown.connections());
    let base = nothing_else(&census, "before all").await;
    let mut outcomes = std::collections::BTreeMap::<String, usize>::new();
    let mut note = |event| {
        if let Event::Ended(how) = event {
            *outcomes.entry(how).or_default() += 1;
        }
    };
    while let Ok(event) = events.try_recv() {
        drop(event);
    }

    stdin.write_all(b"open\n").await.unwrap();
    hear("open").await;
    // Sockets whose peer does not answer pings may have been closed by now.
    let mut stuck = 0;
    while stuck < EACH {
        let event = soon(events.recv()).await.unwrap();
        stuck += usize::from(event == Event::Stuck);
        note(event);
    }
    stdin.write_all(b"cut\n").await.unwrap();
    hear("cut").await;
    is_again(base, &census, "after the wire was cut").await;
    while let Ok(event) = events.try_recv() {
        note(event);
    }
    stdin.write_all(b"join\n").await.unwrap();
    hear("well").await;
    drop(stdin);
    assert!(soon(child.wait()).await.unwrap().success());
    let mut expected = std::collections::BTreeMap::<String, usize>::new();
    for (what, _, how) in SOCKETS {
        *expected.entry(how.to_owned()).or_default() += EACH;
        tell_row(what, how);
    }
    assert_eq!(outcomes, expected);
    for (what, deadline) in OTHERS {
        tell_row(what, &format!("dropped after {deadline}"));
    }
}

fn tell_row(what: &str, how: &str) {
    eprintln!("| packets dropped: {what} | {EACH} | {how} |");
}

/// The clients, in their own namespace. They do nothing unless another test starts them.
#[test]
#[ignore = "another test starts it"]
fn clients() {
    if std::env::var(ROLE).is_ok_and(|role| role == "clients") {
        runtime().block_on(open_all());
    }
}

async fn open_all() {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut hear = async || lines.next_line().await.unwrap().expect("the server is running");
    // The server first has to move the interface to this namespace.
    println!("here");
    let addr: SocketAddr = hear().await.parse().unwrap();
    run(&format!("ip addr add {CLIENTS}/24 dev wire1")).unwrap();
    run("ip link set wire1 up").unwrap();
    is_well(addr).await;

    hear().await;
    let mut idle = Vec::new();
    for _ in 0..EACH {
        let mut io = TcpStream::connect(addr).await.unwrap();
        open(&mut io, SOCKETS[0].1).await;
        let (answered, alive) = oneshot::channel();
        tokio::spawn(answer_pings(io, answered));
        idle.push(alive);
    }
    // They stay open for longer than they would without answers.
    for alive in idle {
        alive.await.expect("it stays open");
    }
    // The wire is cut soon after the others are open.
    let mut streams = Vec::new();
    for (what, path, _) in &SOCKETS[1..] {
        for _ in 0..EACH {
            let mut io = TcpStream::connect(addr).await.unwrap();
            open(&mut io, path).await;
            if *what == "inside a message" {
                io.write_all(&frame(TEXT, b"hello")[..8]).await.unwrap();
            }
            streams.push(io);
        }
    }
    let mut clients = Vec::new();
    for _ in 0..EACH {
        let mut io = TcpStream::connect(addr).await.unwrap();
        io.write_all(&request("/echo", "").as_bytes()[..50]).await.unwrap();
        streams.push(io);
        let mut io = TcpStream::connect(addr).await.unwrap();
        io.write_all(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        streams.push(io);
        let io = TcpStream::connect(addr).await.unwrap();
        let (mut client, connection) = connect(io, &h2::client::Builder::new()).await;
        client.ready().await;
        let request = http::Request::get("http://localhost/").version(http::Version::HTTP_2);
        client.send(request, true).await.response().await.unwrap();
        clients.push((client, connection));
    }
    println!("open");
    hear().await;
    for io in &mut streams[EACH..2 * EACH] {
        // Writing fails on the sockets that are already closed.
        let _ = io.write_all(&frame(TEXT, b"hello")).await;
    }
    run("ip link set wire1 down").unwrap();
    println!("cut");
    hear().await;
    run("ip link set wire1 up").unwrap();
    is_well(addr).await;
    std::process::exit(0);
}

/// Answers each ping, and signals when it has answered six, after more than [`INTERVAL`] +
/// [`DEADLINE`].
async fn answer_pings(mut io: TcpStream, answered: oneshot::Sender<()>) {
    let mut answered = Some(answered);
    for n in 1.. {
        let mut header = [0; 2];
        // After the cut, the server's Close may still arrive.
        if io.read_exact(&mut header).await.is_err() || header[0] == 0x88 {
            return;
        }
        assert!(header[0] == 0x89 && header[1] < 126, "{header:?}");
        let mut payload = vec![0; header[1].into()];
        if io.read_exact(&mut payload).await.is_err() || io.write_all(&frame(PONG, &payload)).await.is_err() {
            return;
        }
        if n == 6 {
            let _ = answered.take().map(|answered| answered.send(()));
        }
    }
}

/// Sends a message and receives its echo.
async fn is_well(addr: SocketAddr) {
    let mut io = soon(TcpStream::connect(addr)).await.unwrap();
    open(&mut io, "/echo").await;
    io.write_all(&frame(TEXT, b"hello")).await.unwrap();
    io.write_all(&frame(CLOSE, &[3, 232])).await.unwrap();
    let mut answer = Vec::new();
    soon(io.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, b"\x81\x05hello\x88\x02\x03\xe8");
    println!("well");
}

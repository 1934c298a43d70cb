//! Many connections at once: idle ones, and clients that make no progress.
//!
//! The clients run in a process of their own, because each side has its own limit of open files. It
//! is this program again, which then runs only [`clients`].

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::join_all, stream};
use raw_client::http2_frames::{PREFACE, hello};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpSocket, TcpStream},
    process::{ChildStdin, ChildStdout, Command},
};
use tokio_tungstenite::WebSocketStream;
use tower_websocket::{Shutdown, serve};

use crate::{
    client::{Authority, echo, tls, trusting, websocket},
    service::service,
};

/// How many clients use one address of the loopback network, which has about 28,000 ports for them.
const FROM_ONE: usize = 5000;

/// How many clients connect at once.
const AT_ONCE: usize = 64;

/// The environment variables with the clients' task, and with the authority that they trust.
const ROLE: &str = "TOWER_WEBSOCKET_LOAD";
const AUTHORITY: &str = "TOWER_WEBSOCKET_AUTHORITY";

/// A server with a TLS port and a plain one, and clients in another process.
struct Load {
    shutdown: Shutdown,
    plain: SocketAddr,
    lines: BufReader<ChildStdout>,
    stdin: ChildStdin,
    child: tokio::process::Child,
}

impl Load {
    async fn start(role: &str, count: usize) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let plain = socket.listen(4096).unwrap();
        let secure = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (plain_addr, secure_addr) = (plain.local_addr().unwrap(), secure.local_addr().unwrap());
        let authority = Authority::new();
        let deadline = if role == "slow" { DEADLINE } else { 20 * DEADLINE };
        let server = serve(plain, service())
            .listen_tls(secure, authority.tls())
            .tls_handshake_timeout(deadline)
            .first_request_timeout(deadline);
        let shutdown = server.shutdown().clone();
        tokio::spawn(server.into_future());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "load::clients", "--ignored", "--nocapture"])
            .env(ROLE, format!("{role} {count} {plain_addr} {secure_addr}"))
            .env(AUTHORITY, authority.pem())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (lines, stdin) = (BufReader::new(child.stdout.take().unwrap()), child.stdin.take().unwrap());
        Self { shutdown, plain: plain_addr, lines, stdin, child }
    }

    /// Returns the text after `word` that the clients print.
    async fn hear(&mut self, word: &str) -> String {
        let mut line = String::new();
        while self.lines.read_line(&mut line).await.unwrap() > 0 {
            if let Some((_, rest)) = line.split_once(word) {
                return rest.trim().to_owned();
            }
            line.clear();
        }
        panic!("the clients ended without {word:?}");
    }

    /// Makes the clients continue.
    async fn tell(&mut self) {
        self.stdin.write_all(b"\n").await.unwrap();
    }
}

/// The deadline for the request or TLS handshake of a slow client.
const DEADLINE: Duration = Duration::from_secs(3);

/// The clients. They do nothing unless another test starts them.
#[tokio::test]
#[ignore = "the other tests here start it"]
async fn clients() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let [role, count, plain, secure] = role.split(' ').collect::<Vec<_>>()[..] else { panic!("{role:?}") };
    let (count, plain, secure) = (count.parse().unwrap(), plain.parse().unwrap(), secure.parse().unwrap());
    match role {
        "tcp" => hold(count, async |i| websocket(connect(plain, i).await).await).await,
        "tls" => {
            let connector = trusting(&std::env::var(AUTHORITY).unwrap());
            let open = async |i| websocket(tls(&connector, connect(secure, i).await).await.unwrap()).await;
            hold(count, open).await;
        }
        "slow" => dawdle(count, plain, secure).await,
        other => panic!("{other:?}"),
    }
}

async fn connect(addr: SocketAddr, i: usize) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let from = Ipv4Addr::new(127, 0, 0, u8::try_from(1 + i / FROM_ONE).unwrap());
    socket.bind((from, 0).into()).unwrap();
    socket.connect(addr).await.unwrap()
}

/// Waits for the server's process.
async fn told() {
    BufReader::new(tokio::io::stdin()).read_line(&mut String::new()).await.unwrap();
}

/// Opens sockets, and echoes a message on each. Holds them until the server's process continues,
/// echoes on each again, and drops them.
async fn hold<IO, F>(count: usize, open: F)
where
    IO: AsyncRead + AsyncWrite + Unpin,
    F: AsyncFn(usize) -> WebSocketStream<IO>,
{
    let start = Instant::now();
    let open = &open;
    let sockets = stream::iter(0..count).map(|i| async move {
        let mut socket = open(i).await;
        echo(&mut socket, "hello").await;
        socket
    });
    let mut sockets: Vec<_> = sockets.buffer_unordered(AT_ONCE).collect().await;
    println!("opened in {} ms", start.elapsed().as_millis());
    told().await;
    let start = Instant::now();
    for some in sockets.chunks_mut(AT_ONCE) {
        join_all(some.iter_mut().map(|socket| echo(socket, "still there"))).await;
    }
    println!("echoed in {} ms", start.elapsed().as_millis());
    told().await;
}

/// Starts requests or TLS handshakes, and reports when the server has ended all connections.
async fn dawdle(count: usize, plain: SocketAddr, secure: SocketAddr) {
    let hello = hello();
    let beginnings: [(SocketAddr, &[u8]); 8] = [
        (plain, b""),
        (plain, b"G"),
        (plain, b"GET / HTTP/1.1\r\nHost: localhost\r\n"),
        (plain, b"PRI * HTTP/2.0\r\n"),
        (plain, PREFACE),
        (plain, &hello),
        (secure, b""),
        (secure, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    ];
    let ios = stream::iter(0..count).map(|i| async move {
        let (addr, bytes) = beginnings[i % beginnings.len()];
        let start = Instant::now();
        let mut io = connect(addr, i).await;
        io.write_all(bytes).await.unwrap();
        (io, start)
    });
    let ios: Vec<_> = ios.buffer_unordered(AT_ONCE).collect().await;
    println!("all of them there");
    let ends = ios.into_iter().map(|(mut io, start)| async move {
        let _ = io.read_to_end(&mut Vec::new()).await;
        start.elapsed().as_millis()
    });
    let mut ends = join_all(ends).await;
    ends.sort_unstable();
    println!("ended after {} {}", ends[0], ends[ends.len() - 1]);
}

/// Returns the resident memory of this process, in KB.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

async fn are_held(role: &str, count: usize) {
    let before = memory();
    let mut load = Load::start(role, count).await;
    let opened = load.hear("opened in ").await;
    assert_eq!(load.shutdown.connections(), count);
    let grown = memory().saturating_sub(before);
    load.tell().await;
    let echoed = load.hear("echoed in ").await;
    assert_eq!(load.shutdown.connections(), count);
    eprintln!(
        "{count} over {role}: opened in {opened}, each echoed once more in {echoed}, {:.1} KB for each here",
        grown as f64 / count as f64
    );
    load.tell().await;
    assert!(load.child.wait().await.unwrap().success());
    load.shutdown.idle().await;
}

/// Returns how long `n` echoes took, each after a short pause: the median and the 99th percentile.
async fn latency(socket: &mut WebSocketStream<TcpStream>, n: usize) -> (Duration, Duration) {
    let mut took = Vec::new();
    for _ in 0..n {
        let start = Instant::now();
        echo(socket, "how long does this take?").await;
        took.push(start.elapsed());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    took.sort_unstable();
    (took[n / 2], took[n * 99 / 100])
}

async fn slow_clients_are_dropped(count: usize) {
    let mut load = Load::start("slow", count).await;
    let mut healthy = websocket(connect(load.plain, 0).await).await;
    let before = latency(&mut healthy, 500).await;
    load.hear("all of them there").await;
    let during = latency(&mut healthy, 500).await;
    let ends = load.hear("ended after ").await;
    let (first, last) = ends.split_once(' ').unwrap();
    let (first, last): (u128, u128) = (first.parse().unwrap(), last.parse().unwrap());
    assert!(load.child.wait().await.unwrap().success());
    eprintln!(
        "{count} slow clients ended after {first} to {last} ms; \
         a healthy one's echo took {before:.0?} (p50, p99) before, {during:.0?} meanwhile"
    );
    // None ends early. The clients have waited until all ended.
    assert!(first >= DEADLINE.as_millis(), "{first} ms");
    echo(&mut healthy, "the server continues").await;
    assert_eq!(load.shutdown.connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn some_hundred_sockets_are_held_open() {
    are_held("tcp", 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn some_dozen_sockets_are_held_open_over_tls() {
    are_held("tls", 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn some_hundred_slow_clients_are_dropped() {
    slow_clients_are_dropped(160).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a limit of open files above 10,100"]
async fn ten_thousand_sockets_are_held_open() {
    are_held("tcp", 10_000).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the large form of another"]
async fn thousand_sockets_are_held_open_over_tls() {
    are_held("tls", 1000).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the large form of another"]
async fn two_thousand_slow_clients_are_dropped() {
    slow_clients_are_dropped(2000).await;
}

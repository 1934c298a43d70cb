//! Copies between a WebSocket and TCP, in both directions at once, compared with the same copy
//! between TCP and TCP.
//!
//! The copy runs on its own thread. Prints, for each round and as the median, the throughput, the
//! CPU time of that thread, and the ratios: above 1 the WebSocket is more expensive. The client's
//! frames are made in advance, so that client and upstream do the same work in both cases.

use std::{
    fs,
    future::IntoFuture,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use raw_client::{frame, opening::open_blocking, whole::BINARY};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    runtime::Builder,
};
use tower_websocket::{WebSocket, WebSocketUpgradeLayer, serve};

/// How many bytes are sent in each direction in a round.
const LEN: usize = 200 << 20;

/// The size of a write, and of a frame of the client, in bytes.
const PIECE: usize = 64 << 10;

const ROUNDS: usize = 7;

fn main() {
    let upstream = upstream();
    let plain = Server::start(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        (addr, async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut tcp = TcpStream::connect(upstream).await.expect("the upstream");
                    let _ = copy_bidirectional(&mut client, &mut tcp).await;
                });
            }
        })
    });
    let tunnel = Server::start(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let layer = WebSocketUpgradeLayer::accept_all(move |socket: WebSocket| async move {
            let mut tcp = TcpStream::connect(upstream).await.expect("the upstream");
            let _ = copy_bidirectional(&mut socket.into_byte_stream(), &mut tcp).await;
        });
        let server = serve(listener, layer.into_service()).into_future();
        (addr, async move { server.await.expect("the server runs") })
    });
    let bytes = vec![7; PIECE];
    let framed = frame(BINARY, &bytes);
    println!("{:>14} {:>14} {:>8} {:>8}", "TCP MB/s", "WebSocket MB/s", "time", "CPU");
    let (mut times, mut costs) = (Vec::new(), Vec::new());
    // The first round is not counted.
    for round in 0..=ROUNDS {
        let by_tcp = plain.measure(|| {
            let tcp = StdStream::connect(plain.addr).expect("the server");
            exchange(&tcp, &bytes, |mut tcp| drain(&mut tcp));
        });
        let by_socket = tunnel.measure(|| {
            let mut tcp = StdStream::connect(tunnel.addr).expect("the server");
            open_blocking(&mut tcp, "/", "").expect("a 101");
            exchange(&tcp, &framed, |mut tcp| drain_frames(&mut tcp));
        });
        if round > 0 {
            let time = by_socket.0.as_secs_f64() / by_tcp.0.as_secs_f64();
            let cost = by_socket.1.as_secs_f64() / by_tcp.1.as_secs_f64();
            let rate = |time: Duration| 2.0 * LEN as f64 / 1e6 / time.as_secs_f64();
            println!("{:14.0} {:14.0} {time:8.2} {cost:8.2}", rate(by_tcp.0), rate(by_socket.0));
            times.push(time);
            costs.push(cost);
        }
    }
    println!("{:>29} {:8.2} {:8.2}", "median", median(&mut times), median(&mut costs));
}

/// A server on its own thread.
struct Server {
    addr: SocketAddr,
    /// The file with the thread's CPU time.
    stat: String,
}

impl Server {
    fn start<F, S>(bind: F) -> Self
    where
        F: Future<Output = (SocketAddr, S)> + Send + 'static,
        S: Future,
    {
        let (send, receive) = mpsc::channel();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let (addr, server) = bind.await;
                let thread = fs::read_link("/proc/thread-self").expect("Linux");
                send.send((addr, format!("/proc/{}/schedstat", thread.display()))).expect("somebody waits");
                server.await
            });
        });
        let (addr, stat) = receive.recv().expect("the server starts");
        Self { addr, stat }
    }

    /// Returns how long `exchange` takes, and the CPU time that the server uses for it.
    fn measure(&self, exchange: impl FnOnce()) -> (Duration, Duration) {
        let (start, before) = (Instant::now(), self.cpu());
        exchange();
        (start.elapsed(), self.cpu() - before)
    }

    fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(&self.stat).expect("the thread runs");
        Duration::from_nanos(stat.split(' ').next().and_then(|time| time.parse().ok()).expect("a number"))
    }
}

/// Echoes up to `LEN` bytes to each client.
fn upstream() -> SocketAddr {
    let listener = StdListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            thread::spawn(move || exchange(&tcp, &[7; PIECE], |mut tcp| drain(&mut tcp)));
        }
    });
    addr
}

/// Writes `piece` for each `PIECE` of `LEN`, while another thread reads.
fn exchange(tcp: &StdStream, piece: &[u8], read: impl FnOnce(&StdStream) + Send) {
    tcp.set_nodelay(true).expect("a TCP socket");
    thread::scope(|scope| {
        scope.spawn(|| read(tcp));
        let mut tcp = tcp;
        for _ in 0..LEN / PIECE {
            tcp.write_all(piece).expect("the peer reads");
        }
    });
}

fn drain(tcp: &mut impl Read) {
    let copied = io::copy(&mut tcp.take(LEN as u64), &mut io::sink()).expect("the peer writes");
    assert_eq!(copied, LEN as u64);
}

fn drain_frames(tcp: &mut impl Read) {
    let mut buffer = vec![0; PIECE];
    let mut left = LEN;
    while left > 0 {
        let mut header = [0; 2];
        tcp.read_exact(&mut header).expect("a header");
        assert_eq!(header[0], BINARY);
        let long = match header[1] {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mut len = [0; 8];
        tcp.read_exact(&mut len[8 - long..]).expect("a length");
        let len = if long == 0 { header[1].into() } else { u64::from_be_bytes(len) as usize };
        tcp.read_exact(&mut buffer[..len]).expect("a payload");
        left -= len;
    }
}

fn median(ratios: &mut [f64]) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

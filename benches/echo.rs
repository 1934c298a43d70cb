//! Echo over an in-memory stream, compared with bare tokio-tungstenite.
//!
//! Both ends run on one thread. The client is the same in all results, and counts in them.

use criterion::{BenchmarkId, Criterion, Throughput};
use futures_util::{SinkExt, StreamExt};
use raw_client::{
    frame,
    opening::open,
    whole::{BINARY, TEXT},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::{Builder, Runtime},
};
use tokio_tungstenite::accept_async;
use tower_websocket::{AcceptAll, Acceptor, WebSocket};

/// The kind of message, its first byte on the wire, its size in bytes, and how many messages are
/// sent before the echo of the first is read. Messages are unmasked. Text is also checked, and
/// copied, as small binary messages are.
const LOADS: [(&str, u8, usize, usize); 5] = [
    ("a", BINARY, 125, 1),
    ("a", BINARY, 125, 16),
    ("a", BINARY, 16 << 10, 1),
    ("a", TEXT, 16 << 10, 1),
    ("é", TEXT, 16 << 10, 1),
];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    echo(&mut criterion);
    criterion.final_summary();
}

fn echo(c: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    for (unit, first, size, in_flight) in LOADS {
        let kind = if first == BINARY { "binary".to_owned() } else { format!("text of {unit}") };
        let mut group = c.benchmark_group(format!("echo of {size} B {kind}, {in_flight} in flight"));
        group.throughput(Throughput::Elements(in_flight as u64));
        for (name, serve) in [
            ("tower-websocket", serve_tower_websocket as fn(&Runtime, DuplexStream)),
            ("tokio-tungstenite", serve_tokio_tungstenite),
        ] {
            let (mut client, server) = duplex(256 << 10);
            serve(&runtime, server);
            runtime.block_on(open(&mut client, "/", "")).expect("an upgrade");
            let burst = frame(first, unit.repeat(size / unit.len()).as_bytes()).repeat(in_flight);
            // A server's frames have no mask.
            let mut back = vec![0; burst.len() - 4 * in_flight];
            group.bench_function(BenchmarkId::from_parameter(name), |b| {
                b.iter(|| {
                    runtime.block_on(async {
                        client.write_all(&burst).await.expect("open");
                        client.read_exact(&mut back).await.expect("open");
                    });
                });
            });
        }
        group.finish();
    }
}

fn serve_tower_websocket(runtime: &Runtime, io: DuplexStream) {
    runtime.spawn(async move {
        let (socket, ()) = Acceptor::new(AcceptAll).accept(io).await.expect("an upgrade");
        let echo = async |mut socket: WebSocket<DuplexStream>| {
            while let Some(Ok(message)) = socket.recv().await {
                if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                    break;
                }
            }
        };
        socket.drive(echo).await;
    });
}

fn serve_tokio_tungstenite(runtime: &Runtime, io: DuplexStream) {
    runtime.spawn(async move {
        let mut socket = accept_async(io).await.expect("an upgrade");
        while let Some(Ok(message)) = socket.next().await {
            if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                break;
            }
        }
    });
}

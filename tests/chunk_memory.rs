//! A message of a gigabyte needs no more memory than one of its chunks. The test has its own
//! process, whose memory is measured.
//!
//! ```text
//! cargo test --release --all-features --test chunk_memory -- --ignored --nocapture
//! ```
#![cfg(target_os = "linux")]

use std::time::Duration;

use flate2::{Decompress, FlushDecompress};
use futures_util::stream;
use own_process::{peak, reset_peak, resident};
use raw_client::{
    FIN, RSV1,
    deflate::{Deflater, NO_TAKEOVER},
    frame, header_with_mask,
    opcode::{BINARY, CONTINUE},
    opening::open,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tower_websocket::{AcceptAll, Acceptor, Config, Deflate, WebSocket};

const PIECE: usize = 64 << 10;

/// Runs a driven socket that receives a message, and then sends one of the same size. Returns both
/// sizes.
async fn serve(config: Config, offer: &str, len: usize) -> (TcpStream, JoinHandle<Option<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let acceptor = Acceptor::new(AcceptAll).with_config(config.receive_in_chunks(true));
    let headers = format!("Sec-WebSocket-Extensions: {offer}\r\n");
    let (accepted, opened) = tokio::join!(acceptor.accept(server), open(&mut client, "/", &headers));
    opened.unwrap();
    let driver = accepted.unwrap().0.drive(async move |socket| exchange(socket, len).await);
    (client, tokio::spawn(driver))
}

async fn exchange(mut socket: WebSocket<TcpStream>, len: usize) {
    let mut chunks = socket.recv_chunks().await.unwrap().unwrap();
    let mut received = 0;
    while let Some(chunk) = chunks.recv().await {
        let chunk = chunk.unwrap();
        assert!(chunk.iter().all(|byte| *byte == 7));
        received += chunk.len();
    }
    assert_eq!(received, len);
    drop(chunks);
    let chunks = stream::iter((0..len / PIECE).map(|_| Ok(vec![7; PIECE])));
    socket.send_chunks(chunks).await.unwrap();
}

/// Reads the next frame. Returns its first byte; its payload is in `buffer`.
async fn read_frame(client: &mut TcpStream, buffer: &mut Vec<u8>) -> u8 {
    loop {
        let first = client.read_u8().await.unwrap();
        let len = match client.read_u8().await.unwrap() {
            126 => client.read_u16().await.unwrap().into(),
            127 => client.read_u64().await.unwrap() as usize,
            len => len.into(),
        };
        buffer.resize(len, 0);
        client.read_exact(buffer).await.unwrap();
        if first & 0x0f <= BINARY {
            return first;
        }
    }
}

async fn plain(len: usize) {
    let (mut client, server) = serve(Config::new(), "", len).await;
    // One frame. A mask of zeros leaves the payload unchanged.
    client.write_all(&header_with_mask(FIN | BINARY, len as u64, [0; 4])).await.unwrap();
    for _ in 0..len / PIECE {
        client.write_all(&[7; PIECE]).await.unwrap();
    }
    let (mut received, mut buffer, mut first) = (0, Vec::new(), 0);
    while first & FIN == 0 {
        first = read_frame(&mut client, &mut buffer).await;
        received += buffer.len();
    }
    assert_eq!(received, len);
    drop(client);
    server.await.unwrap();
}

async fn compressed(len: usize) {
    let config = Config::new().deflate(Deflate::new());
    let (mut client, server) = serve(config, NO_TAKEOVER, len).await;
    // Each fragment is flushed, and refers to nothing before it.
    let mut fragment = Deflater::new(false).message(&[7; PIECE]);
    for n in 0..len / PIECE {
        let is_last = n + 1 == len / PIECE;
        if n == 0 {
            fragment.extend([0, 0, 0xff, 0xff]);
        }
        if is_last {
            fragment.truncate(fragment.len() - 4);
        }
        let first = if n == 0 { RSV1 | BINARY } else { CONTINUE } | if is_last { FIN } else { 0 };
        client.write_all(&frame(first, &fragment)).await.unwrap();
    }
    let (mut received, mut buffer, mut first) = (0, Vec::new(), 0);
    let (mut inflater, mut inflated) = (Decompress::new(false), vec![0; PIECE]);
    while first & FIN == 0 {
        first = read_frame(&mut client, &mut buffer).await;
        let mut rest = &buffer[..];
        while !rest.is_empty() {
            let (consumed, produced) = (inflater.total_in(), inflater.total_out());
            inflater.decompress(rest, &mut inflated, FlushDecompress::None).unwrap();
            let new = &inflated[..(inflater.total_out() - produced) as usize];
            assert!(new.iter().all(|byte| *byte == 7));
            received += new.len();
            rest = &rest[(inflater.total_in() - consumed) as usize..];
        }
    }
    assert_eq!(received, len);
    drop(client);
    server.await.unwrap();
}

/// Returns by how many bytes the resident memory grows at most while `work` runs.
async fn growth(work: impl Future<Output = ()>) -> usize {
    reset_peak();
    let before = resident();
    tokio::time::timeout(Duration::from_secs(600), work).await.expect("it comes to its end");
    peak().saturating_sub(before)
}

async fn measure(len: usize) {
    for (name, grown) in [("plain", growth(plain(len)).await), ("compressed", growth(compressed(len)).await)]
    {
        let told = format!("{} MiB each way, {name}: at most {} KiB of memory more", len >> 20, grown >> 10);
        eprintln!("{told}");
        assert!(grown < 8 << 20, "{told}");
    }
}

#[tokio::test]
#[ignore = "a gigabyte each way, twice"]
async fn gigabyte_in_each_direction_costs_constant_memory() {
    measure(1 << 30).await;
}

#[tokio::test]
async fn large_message_in_each_direction_costs_constant_memory() {
    measure(64 << 20).await;
}

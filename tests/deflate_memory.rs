//! What compression costs in memory. Alone in its process, as it is the process that is measured.
#![cfg(target_os = "linux")]

use flate2::{Compress, Compression, FlushCompress};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tower_websocket::{AcceptAll, Acceptor, Config, Deflate, Error, WebSocket};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn neither_a_bomb_nor_an_idle_connection_costs_memory() {
    a_bomb_ends_with_1009_and_flat_memory().await;
    a_connection_that_waits_costs_as_much_as_a_plain_one().await;
}

/// 200 MiB of zeros in a message of 200 KiB, with the limits as they come.
async fn a_bomb_ends_with_1009_and_flat_memory() {
    let bomb = compressed(&vec![0; 200 * MIB]);
    assert!(bomb.len() < MIB / 4, "it passes as a frame");
    let (mut io, mut socket) = open(Config::new().deflate(Deflate::new())).await;
    // Whatever is allocated once and kept is here.
    io.write_all(&frame(0xc2, &compressed(&[1; 100_000]))).await.unwrap();
    assert_eq!(socket.recv().await.unwrap().unwrap().len(), 100_000);

    reset_peak();
    let before = peak();
    io.write_all(&frame(0xc2, &bomb)).await.unwrap();
    assert!(matches!(socket.recv().await.unwrap(), Err(Error::Capacity(_))));
    let grown = peak() - before;
    eprintln!("a bomb of 200 MiB: {} KiB more at the peak", grown >> 10);
    assert!(grown < 4 * MIB, "{grown} bytes");
    let mut close = [0; 4];
    io.read_exact(&mut close).await.unwrap();
    assert_eq!(close, [0x88, 2, 0x03, 0xf1], "Close 1009");
}

/// After a message each way.
async fn a_connection_that_waits_costs_as_much_as_a_plain_one() {
    const COUNT: usize = 2000;
    let message = "{\"id\": 12345, \"name\": \"a name\"},".repeat(15);
    let mut figures = Vec::new();
    let mut all = Vec::new();
    // The first ones pay for what all share.
    for (config, first, payload, count) in [
        (Config::new().deflate(Deflate::new()), 0xc1, compressed(message.as_bytes()), 50),
        (Config::new(), 0x81, message.as_bytes().to_vec(), COUNT),
        (Config::new().deflate(Deflate::new()), 0xc1, compressed(message.as_bytes()), COUNT),
    ] {
        let frame = frame(first, &payload);
        let before = resident();
        for _ in 0..count {
            let (mut io, mut socket) = open(config.clone()).await;
            io.write_all(&frame).await.unwrap();
            let received = socket.recv().await.unwrap().unwrap();
            assert_eq!(received.to_text().unwrap(), message);
            socket.send(received).await.unwrap();
            assert_eq!(io.read_u8().await.unwrap(), first);
            let mut rest = vec![0; 1024];
            assert!(io.read(&mut rest).await.unwrap() > 0);
            all.push((io, socket));
        }
        figures.push(resident().saturating_sub(before) / count);
    }
    eprintln!("a connection that waits: {} bytes plain, {} bytes compressed", figures[1], figures[2]);
    assert!(figures[2] < figures[1] + 1024, "{figures:?}");
}

async fn open(config: Config) -> (DuplexStream, WebSocket<DuplexStream>) {
    let (mut io, server) = tokio::io::duplex(MIB);
    let request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    io.write_all(request.as_bytes()).await.unwrap();
    let (socket, ()) = Acceptor::new(AcceptAll::new()).with_config(config).accept(server).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.unwrap());
    }
    (io, socket)
}

/// The payload of a compressed message.
fn compressed(message: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(message.len() / 500 + 1000);
    Compress::new(Compression::best(), false)
        .compress_vec(message, &mut output, FlushCompress::Sync)
        .unwrap();
    output.truncate(output.strip_suffix(&[0, 0, 0xff, 0xff]).unwrap().len());
    output
}

/// A frame masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0xff][..], &(payload.len() as u64).to_be_bytes(), &[0; 4], payload].concat()
}

/// This process's resident memory, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// The largest that it has been, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() << 10
}

/// Forgets how large it has been.
fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

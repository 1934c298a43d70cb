//! The rounds of each row. The clients' bytes are made in advance where possible, and the answers
//! are checked once.

use raw_client::{
    FIN, RSV1,
    deflate::{Inflater, NO_TAKEOVER, compressed},
    frame, opcode,
    opening::{open, request_to},
    read_frame,
    whole::{BINARY, CLOSE, TEXT},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    runtime::Runtime,
};
use tower_websocket::{Config, Message};

use crate::server::{self, Connect};

/// A round, which does the same work each time.
pub(crate) type Round = Box<dyn FnMut(&Runtime)>;

/// The subscribers of one message.
pub(crate) const SUBSCRIBERS: usize = 100;

/// The messages that are sent before the echo of the first is read.
pub(crate) const BURST: usize = 16;

/// Opens and closes a socket of `serve`, as a browser does.
pub(crate) fn handshake(runtime: &Runtime) -> Round {
    open_and_close(server::echo(runtime, Config::new()))
}

/// Opens and closes a socket on a raw stream.
pub(crate) fn accept(runtime: &Runtime) -> Round {
    open_and_close(server::acceptor(runtime))
}

/// Echoes 125 B of text.
pub(crate) fn echo(runtime: &Runtime) -> Round {
    exchange(runtime, server::echo(runtime, Config::new()), TEXT, &text(125), 1)
}

/// Echoes 125 B of text, [`BURST`] times in a row.
pub(crate) fn burst(runtime: &Runtime) -> Round {
    exchange(runtime, server::echo(runtime, Config::new()), TEXT, &text(125), BURST)
}

/// Echoes 64 KiB of binary data.
pub(crate) fn large_binary(runtime: &Runtime) -> Round {
    exchange(runtime, server::echo(runtime, Config::new()), BINARY, &vec![7; 64 << 10], 1)
}

/// Echoes 64 KiB of non-ASCII text.
pub(crate) fn large_text(runtime: &Runtime) -> Round {
    exchange(runtime, server::echo(runtime, Config::new()), TEXT, "é".repeat(32 << 10).as_bytes(), 1)
}

/// Echoes 1 KiB of JSON, compressed in both directions, each message separately.
pub(crate) fn deflate(runtime: &Runtime) -> Round {
    let connect = server::deflate(runtime);
    let mut client = connect();
    let headers = format!("Sec-WebSocket-Extensions: {NO_TAKEOVER}\r\n");
    runtime.block_on(open(&mut client, "/", &headers)).expect("an upgrade");
    let message = json();
    let sent = frame(FIN | RSV1 | opcode::TEXT, &compressed(&message, 6));
    let (first, payload) = runtime.block_on(send(&mut client, &sent));
    assert_eq!(first, FIN | RSV1 | opcode::TEXT, "it is compressed");
    assert_eq!(Inflater::new(false, 15).message(&payload), message);
    let mut received = vec![0; header_len(payload.len()) + payload.len()];
    Box::new(move |runtime| {
        let _connect = &connect;
        runtime.block_on(talk(&mut client, &sent, &mut received));
    })
}

/// Sends 64 B to each of the [`SUBSCRIBERS`].
pub(crate) fn fan_out(runtime: &Runtime) -> Round {
    let message = Message::binary(vec![7; 64]);
    let (connect, mut subscriptions) = server::subscriptions(runtime);
    let (mut clients, mut senders) = (Vec::new(), Vec::new());
    for _ in 0..SUBSCRIBERS {
        let mut client = connect();
        runtime.block_on(open(&mut client, "/", "")).expect("an upgrade");
        clients.push(client);
        senders.push(runtime.block_on(subscriptions.recv()).expect("one for each"));
    }
    Box::new(move |runtime| {
        let _connect = &connect;
        runtime.block_on(async {
            for sender in &senders {
                sender.try_send(message.clone()).expect("there is room");
            }
            for client in &mut clients {
                let mut frame = [0; 2 + 64];
                client.read_exact(&mut frame).await.expect("open");
                assert_eq!(frame[..3], [BINARY, 64, 7]);
            }
        });
    })
}

/// Opens a socket, sends a message `in_flight` times, and reads as many messages, which must be
/// equal.
fn exchange(runtime: &Runtime, connect: Connect, first: u8, message: &[u8], in_flight: usize) -> Round {
    let mut client = connect();
    runtime.block_on(open(&mut client, "/", "")).expect("an upgrade");
    let sent = frame(first, message);
    assert_eq!(runtime.block_on(send(&mut client, &sent)), (first, message.to_vec()));
    let sent = sent.repeat(in_flight);
    let mut received = vec![0; (header_len(message.len()) + message.len()) * in_flight];
    Box::new(move |runtime| {
        let _connect = &connect;
        runtime.block_on(talk(&mut client, &sent, &mut received));
    })
}

fn open_and_close(connect: Connect) -> Round {
    let request = request_to("server.example.com", "/chat", BROWSER);
    let close = frame(CLOSE, &1000_u16.to_be_bytes());
    let mut buffer = [0; 1024];
    Box::new(move |runtime| {
        runtime.block_on(async {
            let mut client = connect();
            client.write_all(request.as_bytes()).await.expect("open");
            let mut len = 0;
            while !buffer[..len].ends_with(b"\r\n\r\n") {
                len += match client.read(&mut buffer[len..]).await.expect("open") {
                    0 => panic!("it has ended after {len} bytes of the response"),
                    len => len,
                };
            }
            assert!(buffer.starts_with(b"HTTP/1.1 101 "));
            client.write_all(&close).await.expect("open");
            client.read_exact(&mut buffer[..4]).await.expect("a Close");
            assert_eq!(buffer[..4], [CLOSE, 2, 3, 0xe8]);
            assert_eq!(client.read(&mut buffer).await.expect("a clean end"), 0);
        });
    })
}

/// The further headers that a browser sends.
const BROWSER: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: */*\r\n\
    Accept-Language: en-US,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Origin: http://server.example.com\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n";

async fn talk(client: &mut DuplexStream, sent: &[u8], received: &mut [u8]) {
    client.write_all(sent).await.expect("open");
    client.read_exact(received).await.expect("open");
}

async fn send(client: &mut DuplexStream, frame: &[u8]) -> (u8, Vec<u8>) {
    client.write_all(frame).await.expect("open");
    read_frame(client).await.expect("an echo")
}

/// Returns the number of bytes before the payload of a server's frame.
fn header_len(payload: usize) -> usize {
    match payload {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    }
}

fn text(len: usize) -> Vec<u8> {
    b"What is said in a chat. ".iter().copied().cycle().take(len).collect()
}

/// Returns about 1 KiB of JSON, as an application sends it.
fn json() -> Vec<u8> {
    let orders = (0..10_u32).map(|n| {
        let (id, price) = (n.wrapping_mul(2_654_435_761), n * n * 731 % 9973);
        format!(
            r#"{{"id":{id},"instrument":"ACME","side":"buy","price":{price},"quantity":{n},"open":true}}"#
        )
    });
    format!(r#"{{"orders":[{}]}}"#, orders.collect::<Vec<_>>().join(",")).into_bytes()
}

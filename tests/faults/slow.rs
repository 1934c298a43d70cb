//! Slow peers: the server does not close them, and they do not delay others.

use futures_util::StreamExt;
use raw_client::{
    frame,
    opening::{read_head, request},
    whole::{BINARY, CLOSE, PING},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    task::yield_now,
};
use tokio_tungstenite::WebSocketStream;
use tower_websocket::{Message, tungstenite::protocol::Role};

use crate::{
    client::echo,
    site::{Event, Stream, open},
    trial::{repeat, soon},
};

const TRIES: usize = 50;

/// Writes byte by byte. Each byte is a packet, and over TLS a record.
async fn write_slowly(io: &mut (impl Stream + ?Sized), bytes: &[u8]) {
    for byte in bytes {
        io.write_all(&[*byte]).await.unwrap();
        io.flush().await.unwrap();
        yield_now().await;
    }
}

#[test]
fn peer_may_write_byte_by_byte() {
    for is_tls in [false, true] {
        let over = if is_tls { " over TLS" } else { "" };
        repeat(&format!("writes byte by byte{over}"), TRIES, async |site| {
            let mut io = site.connect(is_tls, false).await;
            write_slowly(&mut *io, request("/echo", "").as_bytes()).await;
            assert!(read_head(&mut io).await.unwrap().starts_with("HTTP/1.1 101 "));
            site.sees(Event::Opened).await;
            // A text whose characters are split, a ping inside it, and a Close.
            let all = [
                frame(0x01, &"καλημέρα".as_bytes()[..5]),
                frame(PING, b"ping"),
                frame(0x80, &"καλημέρα".as_bytes()[5..]),
                frame(BINARY, &[7; 100]),
                frame(CLOSE, &[3, 232]),
            ];
            write_slowly(&mut *io, &all.concat()).await;
            let mut answer = Vec::new();
            soon(io.read_to_end(&mut answer)).await.unwrap();
            let expected =
                [b"\x8a\x04ping\x81\x10", "καλημέρα".as_bytes(), b"\x82\x64", &[7; 100], b"\x88\x02\x03\xe8"];
            assert_eq!(answer, expected.concat());
            assert_eq!(site.ended().await, "the end");
            "everything was echoed".to_owned()
        });
    }
}

#[test]
fn peer_that_reads_byte_by_byte_does_not_delay_others() {
    const LEN: usize = 16 << 10;
    repeat("reads byte by byte", TRIES, async |site| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut io = socket.connect(site.plain).await.unwrap();
        open(&mut io, "/echo").await;
        site.sees(Event::Opened).await;
        let mut other = site.connect(false, false).await;
        open(&mut other, "/echo").await;
        site.sees(Event::Opened).await;
        let mut other = WebSocketStream::from_raw_socket(other, Role::Client, None).await;

        let (mut read, mut write) = io.into_split();
        let request = [&[0x82, 0xfe][..], &(LEN as u16).to_be_bytes(), &[0; 4], &[5; LEN]].concat();
        let writing = async { write.write_all(&request).await.unwrap() };
        let reading = async {
            for n in 0..4 + LEN {
                let byte = soon(read.read_u8()).await.unwrap();
                if n >= 4 {
                    assert_eq!(byte, 5);
                }
                if n % 4000 == 0 {
                    echo(&mut other, "meanwhile").await;
                }
            }
        };
        tokio::join!(writing, reading);
        drop((read, write));
        other.close(None).await.unwrap();
        while let Some(Ok(Message::Close(_))) = other.next().await {}
        // The ends and the messages of both clients, in any order.
        let mut ends = 0;
        while ends < 2 {
            ends += usize::from(matches!(site.event().await, Event::Ended(_)));
        }
        "everything was read, and another client got its echo".to_owned()
    });
}

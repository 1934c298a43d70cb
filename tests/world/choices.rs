//! Protocol choices that matter to real clients.

use std::time::Duration;

use futures_util::FutureExt;
use raw_client::{
    FIN, RSV1,
    opcode::{BINARY, CLOSE, PING, PONG, TEXT},
};
use tokio::time::{self, sleep};
use tower_websocket::{AcceptAll, Acceptor, CloseCode, Config, Deflate, Message};

use crate::{
    life::pair,
    peer::Peer,
    trial::{noise, soon},
};

/// 1014 (Bad Gateway) is registered with IANA like 1012 and 1013.
#[tokio::test]
async fn bad_gateway_is_sent_and_received_like_other_codes() {
    for code in [1012, 1013, 1014] {
        let allowed = CloseCode::try_from(code).unwrap_or_else(|error| panic!("{error}"));
        let (mut peer, mut socket) = pair(Config::new(), 1 << 10).await;
        let closing = tokio::spawn(async move { socket.close(allowed, "").await });
        assert_eq!(soon("the Close", peer.next_close()).await, code);
        peer.close(code).await;
        soon("close()", closing).await.expect("it does not panic").expect("it is closed");

        let (mut peer, mut socket) = pair(Config::new(), 1 << 10).await;
        let reading = tokio::spawn(async move {
            let mut seen = None;
            while let Some(message) = socket.recv().await {
                if let Message::Close(frame) = message.expect("a Close is not an error") {
                    seen = frame.map(|frame| u16::from(frame.code));
                }
            }
            (seen, socket.close_info().map(|ended| ended.code()))
        });
        peer.close(code).await;
        assert_eq!(soon("the answer", peer.next_close()).await, code);
        assert_eq!(soon("the reader", reading).await.expect("it does not panic"), (Some(code), Some(code)));
    }
}

/// A loop that expects text is not ended by a pong after 20 s of silence.
#[tokio::test(start_paused = true)]
async fn pongs_that_answer_keepalive_pings_are_not_delivered() {
    for is_split in [false, true] {
        let (mut peer, mut socket) = pair(Config::new(), 1 << 10).await;
        let handler = tokio::spawn(async move {
            let mut texts = Vec::new();
            if is_split {
                let (_sender, mut receiver) = socket.split();
                while let Some(Ok(Message::Text(text))) = receiver.recv().await {
                    texts.push(text.to_string());
                }
            } else {
                while let Some(Ok(Message::Text(text))) = socket.recv().await {
                    texts.push(text.to_string());
                }
            }
            texts
        });
        peer.send(FIN | TEXT, b"before").await;
        let begin = time::Instant::now();
        for n in 0..3 {
            let ping = peer.next().await;
            assert_eq!(ping.opcode(), PING, "ping {n}, after {:?}, split: {is_split}", begin.elapsed());
            peer.send(FIN | PONG, &ping.payload).await;
        }
        sleep(Duration::from_secs(1)).await;
        peer.send(FIN | TEXT, b"after").await;
        sleep(Duration::from_secs(1)).await;
        peer.close(1000).await;
        assert_eq!(handler.await.expect("it does not panic"), ["before", "after"], "split: {is_split}");
    }
}

/// Pongs that answer the application's pings, and unsolicited pongs, are delivered.
#[tokio::test(start_paused = true)]
async fn other_pongs_are_delivered() {
    let (mut peer, mut socket) = pair(Config::new(), 1 << 10).await;
    socket.send(Message::Ping("mine".into())).await.expect("it is open");
    assert_eq!(peer.next().await.payload, b"mine");
    for payload in [&b"mine"[..], b"unasked", b""] {
        peer.send(FIN | PONG, payload).await;
        let shown =
            soon("the pong", socket.recv()).await.expect("it is open").expect("a pong is not an error");
        assert_eq!(shown, Message::Pong(payload.to_vec().into()));
    }
    // Also after a pong that answers our ping.
    let waiting = tokio::spawn(async move { (socket.recv().await, socket) });
    let ping = peer.next().await;
    peer.send(FIN | PONG, &ping.payload).await;
    peer.send(FIN | PONG, b"late").await;
    let (shown, _socket) = waiting.await.expect("it does not panic");
    assert_eq!(shown.expect("it is open").expect("a pong is not an error"), Message::Pong("late".into()));
}

#[tokio::test]
async fn close_without_a_code_is_sent_without_one() {
    let (mut peer, mut socket) = pair(Config::new(), 1 << 10).await;
    socket.send(Message::Close(None)).await.expect("it is open");
    let close = soon("the Close", peer.next()).await;
    assert_eq!((close.opcode(), close.payload.len()), (CLOSE, 0), "{close:?}");
    peer.send(FIN | CLOSE, b"").await;
    assert!(matches!(soon("the answer", socket.recv()).await, Some(Ok(Message::Close(None)))));
}

async fn frames_of(config: Config, offer: Option<&str>, message: Message) -> Vec<(u8, Vec<u8>)> {
    let (io, server) = tokio::io::duplex(16 << 10);
    let acceptor = Acceptor::new(AcceptAll).with_config(config);
    let (peer, accepted) = tokio::join!(Peer::open(io, offer), acceptor.accept(server));
    let (mut peer, (mut socket, ())) = (peer.expect("it opens"), accepted.expect("it opens"));
    let sending = tokio::spawn(async move {
        socket.send(message).await.expect("it is open");
        socket
    });
    let mut frames = Vec::new();
    loop {
        let frame = soon("a frame", peer.next()).await;
        let is_last = frame.first & FIN != 0;
        frames.push((frame.first, frame.payload));
        if is_last {
            drop(sending.await.expect("sending does not panic"));
            return frames;
        }
    }
}

/// The default frame size is 64 KiB. Fragments have 63 KiB, and text is split only between
/// characters.
#[tokio::test]
async fn large_messages_are_sent_in_frames_of_64_kib() {
    for len in [65_535, 65_536, 65_537, 200_000, 1 << 20] {
        let frames = frames_of(Config::new(), None, Message::binary(noise(1, len))).await;
        let lens: Vec<_> = frames.iter().map(|(_, payload)| payload.len()).collect();
        assert!(lens.iter().all(|len| *len <= 65_536), "{len} bytes left as {lens:?}");
        let fragment = if len > 65_536 { 64_512 } else { 65_536 };
        assert_eq!(frames.len(), len.div_ceil(fragment), "{len} bytes left as {lens:?}");
        assert_eq!(frames.concat_payloads(), noise(1, len));
        assert!(
            frames.iter().zip(0..).all(|((first, _), n)| first & 0x0f == if n == 0 { BINARY } else { 0 })
        );
    }
    for text in ["x", "é", "€", "😀"].map(|character| character.repeat(70_000)) {
        for shift in ["", "a", "ab", "abc"] {
            let text = format!("{shift}{text}");
            let frames = frames_of(Config::new(), None, Message::text(text.clone())).await;
            for (n, (_, payload)) in frames.iter().enumerate() {
                assert!(payload.len() <= 65_536, "frame {n} has {} bytes", payload.len());
                assert!(
                    std::str::from_utf8(payload).is_ok(),
                    "frame {n} of {} ends inside a character",
                    frames.len()
                );
            }
            assert_eq!(frames.concat_payloads(), text.as_bytes());
        }
    }
}

trait Concat {
    fn concat_payloads(&self) -> Vec<u8>;
}

impl Concat for Vec<(u8, Vec<u8>)> {
    fn concat_payloads(&self) -> Vec<u8> {
        self.iter().flat_map(|(_, payload)| payload.iter().copied()).collect()
    }
}

/// A compressed message is sent in one frame if it fits into the write buffer.
#[tokio::test]
async fn compressed_message_is_sent_in_one_frame() {
    let config = || Config::new().deflate(Deflate::new().threshold(0));
    for len in [100, 65_537, 300_000, 900_000] {
        // It compresses to about half its size.
        let message: Vec<_> = noise(1, len).iter().map(|byte| byte & 0x0f).collect();
        let frames = frames_of(config(), Some("permessage-deflate"), Message::binary(message)).await;
        assert_eq!(frames[0].0 & RSV1, RSV1, "{len} bytes are not compressed");
        assert_eq!(frames.len(), 1, "{len} bytes left in {} frames", frames.len());
    }
}

/// The pong is delivered once, and no other message follows.
#[tokio::test]
async fn pong_is_delivered_once() {
    let (mut peer, mut socket) = pair(Config::new(), 1 << 10).await;
    peer.send(FIN | PONG, b"once").await;
    assert!(matches!(soon("the pong", socket.recv()).await, Some(Ok(Message::Pong(_)))));
    assert!(socket.recv().now_or_never().is_none());
}

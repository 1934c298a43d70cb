//! Outgoing messages.

use raw_client::{
    FIN, RSV1,
    deflate::{Inflater, NO_TAKEOVER, TAKEOVER},
    opcode::{BINARY, CONTINUE, PING, TEXT},
};
use tower_websocket::{Config, Deflate, Message};

use crate::peer::{config, noise, open, text};

#[tokio::test]
async fn each_message_is_compressed_separately_by_default() {
    let (mut peer, mut socket) = open(Config::new().deflate(Deflate::new()), &[TAKEOVER]).await;
    let mut size = None;
    for _ in 0..3 {
        socket.send(text(1000)).await.unwrap();
        let (first, payload) = peer.recv().await.unwrap();
        assert_eq!(first, FIN | RSV1 | TEXT);
        assert!(payload.len() < 500);
        assert_eq!(Inflater::new(false, 15).message(&payload), text(1000).as_bytes());
        assert_eq!(*size.get_or_insert(payload.len()), payload.len());
    }
}

#[tokio::test]
async fn repetitions_are_small_with_takeover() {
    let (mut peer, mut socket) = open(config(), &[TAKEOVER]).await;
    let mut inflater = Inflater::new(true, 15);
    let mut sizes = Vec::new();
    for _ in 0..3 {
        socket.send(Message::binary(text(1000))).await.unwrap();
        let (first, payload) = peer.recv().await.unwrap();
        assert_eq!(first, FIN | RSV1 | BINARY);
        assert_eq!(inflater.message(&payload), text(1000).as_bytes());
        sizes.push(payload.len());
    }
    assert!(sizes[1] < sizes[0] / 4 && sizes[2] < sizes[0] / 4, "{sizes:?}");
}

#[tokio::test]
async fn small_messages_and_control_frames_are_sent_plain() {
    let (mut peer, mut socket) = open(Config::new().deflate(Deflate::new()), &[NO_TAKEOVER]).await;
    for (len, first) in [(0, FIN | TEXT), (127, FIN | TEXT), (128, FIN | RSV1 | TEXT)] {
        socket.send("x".repeat(len)).await.unwrap();
        assert_eq!(peer.recv().await.unwrap().0, first);
    }
    socket.send(Message::Ping(vec![b'x'; 125].into())).await.unwrap();
    assert_eq!(peer.recv().await.unwrap(), (FIN | PING, vec![b'x'; 125]));
}

#[tokio::test]
async fn incompressible_message_is_sent_plain_and_not_kept() {
    for extensions in [TAKEOVER, NO_TAKEOVER] {
        let (mut peer, mut socket) = open(config(), &[extensions]).await;
        let mut inflater = Inflater::new(extensions == TAKEOVER, 15);
        for len in [1, 100, 5000, 300_000] {
            let mut compressed = async |message: Vec<u8>| {
                socket.send(message.clone()).await.unwrap();
                let (mut first, mut payload) = peer.recv().await.unwrap();
                let is_compressed = first & RSV1 > 0;
                while first & FIN == 0 {
                    let (next, more) = peer.recv().await.unwrap();
                    assert_eq!(next & !FIN, CONTINUE);
                    payload.extend(more);
                    first = next;
                }
                let received = if is_compressed { inflater.message(&payload) } else { payload };
                assert!(received == message, "{len} bytes");
                is_compressed
            };
            assert!(compressed(text(2000).into_bytes()).await);
            assert!(!compressed(noise(len)).await);
            let noise = noise(len.min(5000));
            assert!(compressed([&noise, &noise, text(2000).as_bytes()].concat()).await);
            assert!(compressed(text(2000).into_bytes()).await);
        }
    }
}

/// Safari reportedly does not inflate fragmented messages.
#[tokio::test]
async fn compressed_message_that_fits_is_sent_whole() {
    // Half of it is incompressible.
    let large = [noise(150_000), vec![b'x'; 150_000]].concat();
    for (limit, frames) in
        [(1 << 20, &[FIN | RSV1 | BINARY][..]), (100_000, &[RSV1 | BINARY, CONTINUE, FIN | CONTINUE])]
    {
        let (mut peer, mut socket) = open(config().max_write_buffer_size(limit), &[TAKEOVER]).await;
        let mut inflater = Inflater::new(true, 15);
        for _ in 0..2 {
            let mut firsts = Vec::new();
            let (sent, payload) = tokio::join!(socket.send(large.clone()), async {
                let mut payload = Vec::new();
                while firsts.last().is_none_or(|first| first & FIN == 0) {
                    let (first, part) = peer.recv().await.unwrap();
                    assert!(part.len() <= 64 << 10 || frames.len() == 1);
                    payload.extend(part);
                    firsts.push(first);
                }
                payload
            });
            sent.unwrap();
            assert_eq!(firsts, frames);
            assert!(inflater.message(&payload) == large);
        }
    }
}

#[tokio::test]
async fn messages_are_sent_in_the_order_of_their_compression() {
    let (mut peer, socket) = open(config(), &[TAKEOVER]).await;
    let (sender, receiver) = socket.split();
    let sent: Vec<_> =
        (0..40).map(|i| [noise(30_000 * (i % 5)), text(100 + i).into_bytes()].concat()).collect();
    let sending = {
        let sent = sent.clone();
        tokio::spawn(async move {
            for message in sent {
                sender.send(message).await.unwrap();
            }
            sender
        })
    };
    let mut inflater = Inflater::new(true, 15);
    for message in sent {
        let (first, mut payload) = peer.recv().await.unwrap();
        let mut last = first;
        while last & FIN == 0 {
            let (next, part) = peer.recv().await.unwrap();
            payload.extend(part);
            last = next;
        }
        let received = if first & RSV1 > 0 { inflater.message(&payload) } else { payload };
        assert!(received == message);
    }
    sending.await.unwrap();
    drop(receiver);
}

#[tokio::test]
async fn message_can_be_sent_uncompressed() {
    let (mut peer, mut socket) = open(config(), &[TAKEOVER]).await;
    let mut inflater = Inflater::new(true, 15);
    socket.send_uncompressed(text(1000)).await.unwrap();
    assert_eq!(peer.recv().await.unwrap(), (FIN | TEXT, text(1000).into_bytes()));
    socket.send(text(1000)).await.unwrap();
    assert_eq!(inflater.message(&peer.recv().await.unwrap().1), text(1000).as_bytes());

    let (sender, receiver) = socket.split();
    sender.send_uncompressed(text(70_000)).await.unwrap();
    assert_eq!(peer.recv().await.unwrap().0, TEXT);
    assert_eq!(peer.recv().await.unwrap().0, FIN | CONTINUE);
    sender.try_send_uncompressed(text(1000)).unwrap();
    assert_eq!(peer.recv().await.unwrap(), (FIN | TEXT, text(1000).into_bytes()));
    sender.send(text(1000)).await.unwrap();
    let (first, payload) = peer.recv().await.unwrap();
    assert_eq!((first, inflater.message(&payload)), (FIN | RSV1 | TEXT, text(1000).into_bytes()));
    assert!(payload.len() < 100, "nothing sent past the compressor is in its way");
    drop(receiver);
}

/// tokio-tungstenite's stream does not support compression.
#[tokio::test]
async fn compressing_socket_does_not_become_a_plain_stream() {
    use raw_client::deflate::Deflater;

    let (mut peer, mut socket) = open(config(), &[TAKEOVER]).await;
    let mut deflater = Deflater::new(true);
    peer.send(FIN | RSV1 | TEXT, &deflater.message(b"one")).await;
    assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("one"));
    let error = socket.into_inner().await.unwrap_err();
    assert_eq!(error.to_string(), "compression was negotiated");
    // The socket continues unchanged.
    let mut socket = error.into_socket();
    peer.send(FIN | RSV1 | TEXT, &deflater.message(b"one and one")).await;
    assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("one and one"));
    socket.send(text(1000)).await.unwrap();
    let (first, payload) = peer.recv().await.unwrap();
    assert_eq!(
        (first, Inflater::new(true, 15).message(&payload)),
        (FIN | RSV1 | TEXT, text(1000).into_bytes())
    );
}

//! Incoming messages.

use std::time::Duration;

use raw_client::{
    FIN, RSV1,
    deflate::{Deflater, NO_TAKEOVER, TAKEOVER},
    frame,
    opcode::{BINARY, CONTINUE, PING, PONG, TEXT},
};
use tokio::{io::AsyncWriteExt, time::timeout};
use tower_websocket::{CloseCode, Config, Deflate, Message};

use crate::peer::{config, noise, open, text};

const RSV2: u8 = 0x20;
const RSV3: u8 = 0x10;

/// "Hello", compressed (RFC 7692 §7.2.3.1).
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

async fn received(extensions: &str, frames: &[(u8, &[u8])], count: usize) -> Vec<Message> {
    let (mut peer, mut socket) = open(config(), &[extensions]).await;
    for (first, payload) in frames {
        peer.send(*first, payload).await;
    }
    let mut messages = Vec::new();
    while messages.len() < count {
        messages.push(socket.recv().await.unwrap().unwrap());
    }
    messages
}

#[tokio::test]
async fn examples_of_rfc_7692() {
    let hello = Message::text("Hello");
    // §7.2.3.1: in one frame, and in two.
    assert_eq!(received(TAKEOVER, &[(FIN | RSV1 | TEXT, &HELLO)], 1).await, std::slice::from_ref(&hello));
    let frames: [(u8, &[u8]); 2] = [(RSV1 | TEXT, &HELLO[..3]), (FIN | CONTINUE, &HELLO[3..])];
    assert_eq!(received(TAKEOVER, &frames, 1).await, std::slice::from_ref(&hello));
    // §7.2.3.2: the window is kept.
    let again: &[u8] = &[0xf2, 0x00, 0x11, 0x00, 0x00];
    let frames = [(FIN | RSV1 | TEXT, &HELLO[..]), (FIN | RSV1 | TEXT, again)];
    assert_eq!(received(TAKEOVER, &frames, 2).await, [hello.clone(), hello.clone()]);
    // §7.2.3.3: a block without compression.
    let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    assert_eq!(received(TAKEOVER, &[(FIN | RSV1 | TEXT, &stored)], 1).await, std::slice::from_ref(&hello));
    // §7.2.3.4: a block that is marked as the last.
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let frames = [(FIN | RSV1 | TEXT, &last[..]), (FIN | RSV1 | TEXT, &last[..])];
    assert_eq!(received(TAKEOVER, &frames, 2).await, [hello.clone(), hello.clone()]);
    // §7.2.3.5: two blocks in one message.
    let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(received(TAKEOVER, &[(FIN | RSV1 | TEXT, &two)], 1).await, std::slice::from_ref(&hello));
    // §7.2.3.6: an empty message.
    assert_eq!(received(TAKEOVER, &[(FIN | RSV1 | TEXT, &[0])], 1).await, [Message::text("")]);
}

#[tokio::test]
async fn messages_without_a_proper_end_are_accepted() {
    let frames: [(u8, &[u8]); 5] = [
        // Without the zero after the last block of a stream, and without a payload instead of a
        // zero.
        (FIN | RSV1 | TEXT, &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
        (FIN | RSV1 | BINARY, &[]),
        (RSV1 | BINARY, &[]),
        (FIN | CONTINUE, &[]),
        (FIN | RSV1 | TEXT, &HELLO),
    ];
    let expected =
        [Message::text("Hello"), Message::binary(vec![]), Message::binary(vec![]), Message::text("Hello")];
    for extensions in [TAKEOVER, NO_TAKEOVER] {
        assert_eq!(received(extensions, &frames, 4).await, expected);
    }
}

#[tokio::test]
async fn stream_may_end_before_the_last_fragment() {
    // Without the zero after the end, and with an empty fragment after it: the data after a message
    // used to begin another stream.
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let frames: [(u8, &[u8]); 4] =
        [(RSV1 | TEXT, &last), (CONTINUE, &[]), (FIN | CONTINUE, &[]), (FIN | RSV1 | TEXT, &HELLO)];
    for extensions in [TAKEOVER, NO_TAKEOVER] {
        let hello = Message::text("Hello");
        assert_eq!(received(extensions, &frames, 2).await, [hello.clone(), hello]);
    }
}

/// This is not detected: the tail added to each message counts as part of them. But it does no
/// further harm.
#[tokio::test]
async fn messages_that_stop_inside_a_block_do_not_affect_later_ones() {
    // A block of ten bytes with only three of them, and the client's codes for "Hello", without its
    // end.
    let cut: [&[u8]; 2] = [&[0x00, 0x0a, 0x00, 0xf5, 0xff, b'a', b'b', b'c'], &HELLO[..3]];
    for cut in cut {
        let frames = [(FIN | RSV1 | BINARY, cut), (FIN | RSV1 | TEXT, &HELLO)];
        let messages = received(NO_TAKEOVER, &frames, 2).await;
        let first = messages[0].clone().into_data();
        assert!(first.starts_with(b"abc") || first.starts_with(b"He"), "{first:?}");
        assert!(first.len() < 10);
        assert_eq!(messages[1], Message::text("Hello"));
    }
}

#[tokio::test]
async fn streams_may_end_within_a_message() {
    for takeover in [false, true] {
        let mut deflater = Deflater::new(takeover);
        let mut first = deflater.last(text(20_000).as_bytes());
        first.pop();
        let payload = [first, deflater.message(text(30_000).as_bytes())].concat();
        let expected = text(20_000) + &text(30_000);
        let (head, tail) = payload.split_at(payload.len() / 3);
        let extensions = if takeover { TAKEOVER } else { NO_TAKEOVER };
        let whole = received(extensions, &[(FIN | RSV1 | TEXT, &payload)], 1).await;
        assert!(whole == [Message::text(&*expected)]);
        let parts = received(extensions, &[(RSV1 | TEXT, head), (FIN | CONTINUE, tail)], 1).await;
        assert!(parts == [Message::text(expected)]);
    }
}

#[tokio::test]
async fn control_frames_keep_their_place_and_are_not_inflated() {
    let frames: [(u8, &[u8]); 6] = [
        (FIN | PING, &HELLO),
        (RSV1 | TEXT, &HELLO[..2]),
        (FIN | PING, b"one"),
        (CONTINUE, &HELLO[2..2]),
        (FIN | PONG, b"two"),
        (FIN | CONTINUE, &HELLO[2..]),
    ];
    assert_eq!(
        received(TAKEOVER, &frames, 4).await,
        [
            Message::Ping(HELLO.to_vec().into()),
            Message::Ping("one".into()),
            Message::Pong("two".into()),
            Message::text("Hello"),
        ]
    );
}

#[tokio::test]
async fn plain_messages_may_be_between_compressed_ones() {
    for takeover in [false, true] {
        let extensions = if takeover { TAKEOVER } else { NO_TAKEOVER };
        let (mut peer, mut socket) = open(config(), &[extensions]).await;
        let mut deflater = Deflater::new(takeover);
        for len in [0, 1, 10, 300, 16_383, 16_384, 16_385, 16_386, 70_000, 1 << 20] {
            let message = text(len);
            peer.send(FIN | RSV1 | TEXT, &deflater.message(message.as_bytes())).await;
            assert!(socket.recv().await.unwrap().unwrap() == Message::text(&*message), "{len} bytes");
            peer.send(FIN | TEXT, b"plain").await;
            assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("plain"));
            peer.send(BINARY, b"pla").await;
            peer.send(FIN | CONTINUE, b"in").await;
            assert_eq!(socket.recv().await.unwrap().unwrap(), Message::binary("plain"));
            let message = noise(len.min(900_000));
            let compressed = deflater.message(&message);
            let (head, tail) = compressed.split_at(compressed.len() / 2);
            peer.send(RSV1 | BINARY, head).await;
            peer.send(FIN | CONTINUE, tail).await;
            assert!(socket.recv().await.unwrap().unwrap() == Message::binary(message), "{len} bytes");
        }
    }
}

/// Sends frames and returns the code with which the server ends the connection.
async fn failure(config: Config, extensions: &str, frames: &[Vec<u8>]) -> u16 {
    let (mut peer, mut socket) = open(config, &[extensions]).await;
    peer.io.write_all(&frames.concat()).await.unwrap();
    let error = loop {
        match socket.recv().await.unwrap() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    let code = peer.recv_close().await;
    assert_eq!(socket.close_info().unwrap().error(), Some(&*error.to_string()));
    assert_eq!(peer.recv().await, None);
    drop(peer);
    assert!(socket.recv().await.is_none());
    code
}

#[tokio::test]
async fn protocol_violations_end_with_1002() {
    let mut unmasked = vec![FIN | RSV1 | TEXT, HELLO.len() as u8];
    unmasked.extend(HELLO);
    let open_message = frame(RSV1 | TEXT, &HELLO[..3]);
    let silent = frame(RSV1 | TEXT, &[]);
    let cases = [
        vec![frame(FIN | RSV1 | PING, b"ping")],
        vec![frame(FIN | RSV1 | CONTINUE, &HELLO)],
        vec![open_message.clone(), frame(FIN | RSV1 | CONTINUE, &HELLO[3..])],
        vec![frame(TEXT, b"plain"), frame(FIN | RSV1 | CONTINUE, &HELLO)],
        vec![open_message.clone(), frame(FIN | RSV1 | TEXT, &HELLO)],
        vec![open_message.clone(), frame(FIN | TEXT, b"plain")],
        vec![silent.clone(), frame(FIN | TEXT, b"plain")],
        vec![silent, frame(FIN | RSV1 | TEXT, &HELLO)],
        vec![frame(TEXT, b"plain"), frame(FIN | RSV1 | TEXT, &HELLO)],
        vec![frame(FIN | RSV1 | RSV2 | TEXT, &HELLO)],
        vec![frame(FIN | RSV1 | RSV3 | TEXT, &HELLO)],
        vec![frame(FIN | RSV2 | TEXT, b"plain")],
        vec![open_message.clone(), frame(FIN | RSV2 | CONTINUE, &HELLO[3..])],
        vec![frame(FIN | RSV1 | 3, &HELLO)],
        vec![frame(FIN | CONTINUE, &HELLO)],
        vec![unmasked],
        vec![open_message, vec![FIN | CONTINUE, 1, 0]],
    ];
    for frames in cases {
        assert_eq!(failure(config(), TAKEOVER, &frames).await, 1002, "{frames:x?}");
    }
}

#[tokio::test]
async fn invalid_deflate_data_ends_with_1007() {
    let bad: &[&[u8]] = &[
        // A block of the reserved type, a stored block whose lengths differ, and a reference to
        // before the start.
        &[0x06],
        &[0x00, 0x05, 0x00, 0x00, 0x00, 1, 2],
        &[0xf2, 0x00, 0x11, 0x00, 0x00],
        &[0xff; 100],
    ];
    for extensions in [TAKEOVER, NO_TAKEOVER] {
        for payload in bad {
            let frames = [frame(FIN | RSV1 | TEXT, payload)];
            assert_eq!(failure(config(), extensions, &frames).await, 1007, "{payload:x?}");
            // Earlier messages are still received.
            let frames = [frame(FIN | TEXT, b"plain"), frame(FIN | RSV1 | BINARY, payload)];
            assert_eq!(failure(config(), extensions, &frames).await, 1007, "{payload:x?}");
        }
    }
}

#[tokio::test]
async fn window_is_empty_without_takeover() {
    // All connections of the thread share the inflater: "Hello" must not come from another
    // connection's message.
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let frames = [frame(FIN | RSV1 | TEXT, &HELLO), frame(FIN | RSV1 | TEXT, &again)];
    assert_eq!(failure(config(), NO_TAKEOVER, &frames).await, 1007);
    assert_eq!(failure(config(), NO_TAKEOVER, &frames[1..]).await, 1007);
}

#[tokio::test]
async fn text_that_is_not_utf_8_ends_with_1007_as_soon_as_it_is_seen() {
    let (mut peer, mut socket) = open(config(), &[TAKEOVER]).await;
    let mut deflater = Deflater::new(true);
    let payload = deflater.message(&[b"good".as_slice(), &[0xff], &noise(1000)].concat());
    let bytes = frame(FIN | RSV1 | TEXT, &payload);
    // Not even one frame is complete.
    peer.io.write_all(&bytes[..500]).await.unwrap();
    let failed = timeout(Duration::from_secs(3600), socket.recv()).await.expect("it fails at once");
    failed.unwrap().unwrap_err();
    assert_eq!(peer.recv_close().await, 1007);
}

#[tokio::test]
async fn oversized_frames_end_with_1009() {
    let config = || config().max_message_size(10_000).max_frame_size(5000);
    let compressed = |message: &[u8]| Deflater::new(true).message(message);
    // A frame is larger than allowed on the wire.
    let wire = compressed(&noise(5100));
    let zeros = compressed(&[0; 10_001]);
    let cases = [
        vec![frame(FIN | RSV1 | BINARY, &wire)],
        vec![frame(RSV1 | BINARY, &wire[..10]), frame(FIN | CONTINUE, &[0; 5001])],
        // A message is larger than allowed after inflating, in one frame or in several, complete or
        // not.
        vec![frame(FIN | RSV1 | BINARY, &zeros)],
        vec![frame(RSV1 | BINARY, &zeros)],
        vec![frame(RSV1 | BINARY, &zeros[..5]), frame(FIN | CONTINUE, &zeros[5..])],
    ];
    for frames in cases {
        assert_eq!(failure(config(), TAKEOVER, &frames).await, 1009);
    }
    // A message of the exact limit is accepted.
    for len in [4999, 5000, 5001, 9999, 10_000] {
        let (mut peer, mut socket) = open(config(), &[TAKEOVER]).await;
        peer.send(FIN | RSV1 | BINARY, &compressed(&vec![0; len])).await;
        assert!(socket.recv().await.unwrap().unwrap() == Message::binary(vec![0; len]));
    }
}

#[tokio::test]
async fn large_messages_yield_to_other_tasks() {
    let limit = 64 << 20;
    let config = Config::new().deflate(Deflate::new()).max_message_size(limit).max_frame_size(limit);
    let (mut peer, mut socket) = open(config, &[TAKEOVER]).await;
    peer.send(FIN | RSV1 | BINARY, &Deflater::new(false).message(&vec![0; limit])).await;
    let polls = std::cell::Cell::new(0);
    tokio::join!(
        biased;
        async {
            let message = socket.recv().await.unwrap().unwrap();
            assert_eq!(message.len(), limit);
            polls.set(usize::MAX);
        },
        async {
            while polls.get() != usize::MAX {
                polls.set(polls.get() + 1);
                assert!(polls.get() < 1000);
                tokio::task::yield_now().await;
                if polls.get() != usize::MAX && polls.get() > 200 {
                    return;
                }
            }
            panic!("all of it came in one go");
        }
    );
}

#[tokio::test(start_paused = true)]
async fn window_survives_the_resizing_of_buffers() {
    // A busy socket gets larger buffers, an idle one smaller ones. The kept window is not lost.
    let (mut peer, mut socket) = open(config(), &[TAKEOVER]).await;
    let mut deflater = Deflater::new(true);
    for _ in 0..3 {
        for len in [100, 50_000] {
            peer.send(FIN | RSV1 | BINARY, &deflater.message(text(len).as_bytes())).await;
            assert!(socket.recv().await.unwrap().unwrap() == Message::binary(text(len)));
        }
        // Longer than large buffers are kept.
        assert!(timeout(Duration::from_millis(600), socket.recv()).await.is_err());
    }
    socket.close(CloseCode::NORMAL, "").await.unwrap_or_default();
}

//! Whole messages, fragments, control frames and partial frames are handled on different code
//! paths, and are delivered in order.

use std::time::Duration;

use proptest::{collection::vec, prelude::*, test_runner::RngSeed};
use raw_client::{
    frame,
    whole::{BINARY, CLOSE, PING, PONG, TEXT},
};
use tokio::{
    runtime,
    sync::oneshot,
    time::{sleep, timeout},
};
use tower_websocket::{Config, Message};

use crate::{
    pair::{Socket, drive, open},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    messages_arrive_in_order_wherever_reads_split_them,
    stream_longer_than_a_read_arrives_in_order,
}

over_each_transport! {
    #[test]
    any_split_of_any_frames_gives_the_same_messages
}

async fn messages_arrive_in_order_wherever_reads_split_them<T: Transport>() {
    let stream = [
        frame(TEXT, b"whole"),
        frame(PING, b"ping"),
        frame(TEXT, "naïve".as_bytes()),
        frame(0x01, b"frag"),
        frame(PONG, b"between"),
        frame(BINARY & 0x80, b"ments"),
        frame(BINARY, &[5; 130]),
        frame(TEXT, b""),
    ]
    .concat();
    let expected = [
        Message::text("whole"),
        Message::Ping("ping".into()),
        Message::text("naïve"),
        Message::Pong("between".into()),
        Message::text("fragments"),
        Message::binary(vec![5; 130]),
        Message::text(""),
    ];
    for cut in 0..=stream.len() {
        for second in [cut, cut + 9] {
            let second = second.min(stream.len());
            let (done, received) = oneshot::channel();
            let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
                let mut messages = Vec::new();
                while let Some(Ok(message)) = socket.recv().await {
                    if !message.is_close() {
                        messages.push(message);
                    }
                }
                done.send(messages).unwrap();
            })
            .await;
            for piece in [&stream[..cut], &stream[cut..second], &stream[second..]] {
                pair.send_raw(piece).await;
                sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(pair.recv().await, (PONG, b"ping".to_vec()));
            pair.send_close(1000, "").await;
            pair.recv_close().await;
            assert_eq!(received.await.unwrap(), expected, "cut at {cut} and {second}");
            pair.finish().await;
        }
    }
}

/// Returns a message's frames, split at the given thousandths of its length, some with a ping in
/// between, and the received messages.
fn frames(is_text: bool, len: usize, mut cuts: Vec<(usize, bool)>) -> (Vec<u8>, Vec<Message>) {
    let payload: Vec<u8> = "aé€😀".bytes().cycle().take(len - len % 10).collect();
    cuts.sort();
    let (mut first, mut start) = (if is_text { TEXT } else { BINARY }, 0);
    let (mut frames, mut received) = (Vec::new(), Vec::new());
    for (cut, has_ping) in cuts {
        let cut = payload.len() * cut / 1000;
        frames.extend(frame(first & 0x0f, &payload[start..cut]));
        (first, start) = (0x80, cut);
        if has_ping {
            frames.extend(frame(PING, &cut.to_be_bytes()));
            received.push(Message::Ping(cut.to_be_bytes().to_vec().into()));
        }
    }
    frames.extend(frame(first, &payload[start..]));
    received.push(match is_text {
        true => Message::text(String::from_utf8(payload).unwrap()),
        false => Message::binary(payload),
    });
    (frames, received)
}

fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![0..10_usize, 10..200_usize, 200..20_000_usize, 65_000..70_000_usize]
}

fn any_split_of_any_frames_gives_the_same_messages<T: Transport>() {
    let config = ProptestConfig {
        cases: 64,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(6455),
        ..ProptestConfig::default()
    };
    proptest!(config, |(
        messages in vec((any::<bool>(), sizes(), vec((0..=1000_usize, any::<bool>()), 0..4)), 0..6),
        reads in vec(sizes().prop_map(|size| size + 1), 1..50),
        room in prop_oneof![1..100_usize, 1000..100_000_usize],
    )| {
        let runtime = runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (mut pair, mut socket) = open::<T>(Config::new(), room).await;
            let (frames, messages): (Vec<_>, Vec<_>) =
                messages.into_iter().map(|(is_text, len, cuts)| frames(is_text, len, cuts)).unzip();
            let (stream, expected) = ([frames.concat(), frame(CLOSE, &[3, 232])].concat(), messages.concat());
            let write = async {
                let (mut rest, mut sizes) = (&stream[..], reads.iter().cycle());
                while !rest.is_empty() {
                    let (now, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
                    pair.send_raw(now).await;
                    // The reader comes to the end of the data.
                    tokio::task::yield_now().await;
                    rest = later;
                }
                // The answers to the pings, and to the Close.
                while pair.try_recv().await.is_some() {}
            };
            let read = async move {
                let mut received = Vec::new();
                while let Some(message) = socket.recv().await {
                    received.push(message.unwrap());
                }
                assert!(received.pop().unwrap().is_close());
                assert!(received == expected);
            };
            let both = async { tokio::join!(write, read) };
            timeout(Duration::from_secs(3600), both).await.expect("all of it comes");
            pair.finish().await;
        });
    });
}

async fn stream_longer_than_a_read_arrives_in_order<T: Transport>() {
    let (done, received) = oneshot::channel();
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        let mut lengths = Vec::new();
        while let Some(Ok(message)) = socket.recv().await {
            if let Message::Binary(payload) = &message {
                assert!(payload.iter().all(|byte| *byte == lengths.len() as u8));
                lengths.push(payload.len());
            }
        }
        done.send(lengths).unwrap();
    })
    .await;
    let lengths: Vec<usize> = (0..200).map(|i| i * 7919 % 40_000).collect();
    let frames: Vec<Vec<u8>> =
        lengths.iter().enumerate().map(|(i, len)| frame(BINARY, &vec![i as u8; *len])).collect();
    pair.send_raw(&frames.concat()).await;
    pair.send_close(1000, "").await;
    pair.recv_close().await;
    assert_eq!(received.await.unwrap(), lengths);
    pair.finish().await;
}

//! Messages that are compressed once for many sockets.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use raw_client::{
    FIN, RSV1,
    deflate::{Inflater, NO_TAKEOVER, TAKEOVER},
    opcode::{BINARY, TEXT},
    read_frame,
};
use tokio::io::DuplexStream;
use tower_websocket::{Config, Deflate, rooms::Rooms};

use crate::member::{Member, in_memory};

async fn member(deflate: Deflate, offer: &str) -> Member<DuplexStream, DuplexStream> {
    let header = format!("Sec-WebSocket-Extensions: {offer}\r\n");
    in_memory(Config::new().deflate(deflate), 1 << 20, &header).await
}

fn text(number: usize) -> String {
    (0..40).map(|item| format!("{{\"id\":{},\"name\":\"item {item}\"}},", item * number)).collect()
}

#[tokio::test]
async fn every_member_gets_the_message_in_its_own_parameters() {
    let mut members = [
        // Without context takeover, in the largest window: these share the compressed form.
        (member(Deflate::new(), NO_TAKEOVER).await, Inflater::new(false, 15), true),
        (member(Deflate::new(), TAKEOVER).await, Inflater::new(true, 15), true),
        (
            member(Deflate::new().server_no_context_takeover(true), TAKEOVER).await,
            Inflater::new(false, 15),
            true,
        ),
        // Other parameters.
        (member(Deflate::new().server_max_window_bits(9), TAKEOVER).await, Inflater::new(true, 9), true),
        (member(Deflate::new().level(9), NO_TAKEOVER).await, Inflater::new(false, 15), true),
        (member(Deflate::new().context_takeover(true), TAKEOVER).await, Inflater::new(true, 15), true),
        (member(Deflate::new().threshold(1 << 20), TAKEOVER).await, Inflater::new(true, 15), false),
        (in_memory(Config::new(), 1 << 20, "").await, Inflater::new(true, 15), false),
    ];
    let rooms = Rooms::<u32>::new();
    let _memberships: Vec<_> = members.iter().map(|(member, ..)| rooms.join(1, &member.sender, ())).collect();
    for number in 0..4 {
        assert_eq!(rooms.send(&1, text(number)).queued, members.len());
        // Too short for compression.
        assert_eq!(rooms.send(&1, "short").queued, members.len());
    }
    let mut payloads = vec![Vec::new(); members.len()];
    for ((member, inflater, is_compressed), payloads) in members.iter_mut().zip(&mut payloads) {
        member.sender.flush().await.unwrap();
        for number in 0..4 {
            let (first, payload) = read_frame(&mut member.client).await.unwrap();
            let inflated = match *is_compressed {
                true => {
                    assert_eq!(first, FIN | RSV1 | TEXT);
                    assert!(payload.len() < text(number).len() / 2);
                    inflater.message(&payload)
                }
                false => {
                    assert_eq!(first, FIN | TEXT);
                    payload.clone()
                }
            };
            assert_eq!(inflated, text(number).as_bytes());
            payloads.push(payload);
            assert_eq!(read_frame(&mut member.client).await.unwrap(), (FIN | TEXT, b"short".to_vec()));
        }
    }
    assert!(payloads[1..3].iter().all(|same| *same == payloads[0]));
    assert!(payloads[3..].iter().all(|other| *other != payloads[0]));
}

#[tokio::test]
async fn incompressible_message_is_sent_plain_to_all() {
    let mut members = [member(Deflate::new(), TAKEOVER).await, member(Deflate::new(), NO_TAKEOVER).await];
    let rooms = Rooms::<u32>::new();
    let _memberships: Vec<_> = members.iter().map(|member| rooms.join(1, &member.sender, ())).collect();
    let mut seed = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    })
    .take(1000)
    .collect();
    assert_eq!(rooms.send(&1, noise.clone()).queued, 2);
    for member in &mut members {
        member.sender.flush().await.unwrap();
        assert_eq!(read_frame(&mut member.client).await.unwrap(), (FIN | BINARY, noise.clone()));
    }
}

/// Returns how long this thread has run. Linux does not count the time while it is suspended.
fn running_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = stat.as_deref().and_then(|stat| stat.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// The running time shows how often a large message is compressed.
#[tokio::test]
async fn message_is_compressed_once_for_equal_parameters() {
    const MEMBERS: usize = 50;
    let mut members = Vec::new();
    for _ in 0..MEMBERS {
        members.push(member(Deflate::new().level(9), TAKEOVER).await);
    }
    let message = text(7).repeat(1000);
    let rooms = Rooms::<u32>::new();
    let _memberships: Vec<_> = members.iter().map(|member| rooms.join(1, &member.sender, ())).collect();
    let start = running_time();
    for member in &members {
        member.sender.try_send(message.clone()).unwrap();
    }
    let each = running_time() - start;
    let once = (0..5).map(|_| {
        let start = running_time();
        assert_eq!(rooms.send(&1, message.clone()).queued, MEMBERS);
        running_time() - start
    });
    let once = once.min().expect("there are five");
    assert!(once < each / 5, "{once:?} after {each:?}");
}

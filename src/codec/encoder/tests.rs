use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use tungstenite::{
    Message,
    protocol::{
        CloseFrame,
        frame::{
            Frame, FrameHeader,
            coding::{Data, OpCode},
        },
    },
};

use super::{COPY_MAX, Control, Encoder, Flight, Framed, Key, MAX_FRAMED};
use crate::{
    codec::{
        reference::{client_frames, server_frames},
        shared_frame,
    },
    header::arbitrary::config,
};

/// Small enough that fragments are not made smaller.
const FRAGMENT: usize = 60 * 1024;

fn bytes(mut flight: Flight) -> Vec<u8> {
    let mut bytes = Vec::new();
    while flight.remaining() > 0 {
        let next = flight.slices().map(|slice| slice.to_vec()).concat();
        flight.advance(next.len());
        bytes.extend(next);
    }
    bytes
}

fn next(encoder: &mut Encoder) -> Vec<(u8, Vec<u8>)> {
    server_frames(&bytes(encoder.next_flight().unwrap()))
}

/// Returns all remaining frames.
fn all(encoder: &mut Encoder) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some(flight) = encoder.next_flight() {
        frames.extend(server_frames(&bytes(flight)));
    }
    assert!(encoder.is_empty() && encoder.queue.is_none());
    assert!(matches!(&encoder.framed, Framed::Own(own) if own.capacity() == 0));
    frames
}

fn noise(len: usize) -> Bytes {
    (0..len).map(|i| (i * 7 + i / 256) as u8).collect()
}

fn raw(first: u8, payload: impl Into<Bytes>) -> Message {
    let header = FrameHeader {
        is_final: first & 0x80 != 0,
        rsv1: first & 0x40 != 0,
        opcode: OpCode::from(first & 0x0f),
        mask: Some([1, 2, 3, 4]),
        ..FrameHeader::default()
    };
    Message::Frame(Frame::from_payload(header, payload.into()))
}

fn close(code: u16, reason: &str) -> CloseFrame {
    CloseFrame { code: code.into(), reason: reason.into() }
}

#[test]
fn encoder_is_small() {
    assert!(size_of::<Encoder>() <= 80, "{}", size_of::<Encoder>());
}

#[test]
fn small_messages_are_written_together_and_returned() {
    let mut encoder = Encoder::new(Some(FRAGMENT), None);
    for message in [Message::text("one"), Message::binary("two"), raw(0x01, "three"), Message::text("")] {
        assert_eq!(encoder.push(message.clone()), Some(message));
    }
    encoder.push_compressed(Data::Text, "four".into(), FRAGMENT);
    assert_eq!((encoder.accepted(), encoder.queued()), (5, 5 * 2 + 15));
    let flight = encoder.next_flight().unwrap();
    assert_eq!(encoder.given(), 5);
    let expected: [(u8, &[u8]); 5] =
        [(0x81, b"one"), (0x82, b"two"), (0x01, b"three"), (0x81, b""), (0xc1, b"four")];
    assert_eq!(server_frames(&bytes(flight)), expected.map(|(first, payload)| (first, payload.to_vec())));
    assert!(encoder.is_empty() && encoder.next_flight().is_none());
}

#[test]
fn large_message_is_fragmented_and_not_copied() {
    let payload = noise(2 * FRAGMENT + 20_000);
    let mut encoder = Encoder::new(Some(FRAGMENT), None);
    assert_eq!(encoder.push(Message::text("before")), Some(Message::text("before")));
    assert_eq!(encoder.push(Message::Binary(payload.clone())), None);
    assert_eq!(encoder.push(Message::text("after")), None);
    let mut frames = Vec::new();
    for (at, position) in [(0, 1), (FRAGMENT, 1), (2 * FRAGMENT, 2)] {
        let mut flight = encoder.next_flight().unwrap();
        assert_eq!(flight.slices()[1].as_ptr(), payload[at..].as_ptr());
        assert_eq!(encoder.given(), position);
        frames.extend(server_frames(&bytes(flight)));
    }
    frames.extend(next(&mut encoder));
    let firsts: Vec<_> = frames.iter().map(|(first, _)| *first).collect();
    assert_eq!(firsts, [0x81, 0x02, 0x00, 0x80, 0x81]);
    assert_eq!(frames[1..4].iter().flat_map(|(_, part)| part.clone()).collect::<Bytes>(), payload);
}

#[test]
fn end_of_a_large_message_is_written_with_the_next_message() {
    let mut encoder = Encoder::new(Some(FRAGMENT), None);
    assert_eq!(encoder.push(Message::Binary(noise(FRAGMENT + 1))), None);
    assert_eq!(encoder.push(Message::text("after")), None);
    assert_eq!(next(&mut encoder).len(), 1);
    let flight = encoder.next_flight().unwrap();
    assert_eq!(encoder.given(), 2);
    assert_eq!(server_frames(&bytes(flight)).len(), 2);
}

#[test]
fn without_a_limit_messages_are_not_fragmented() {
    let payload = noise(5 * FRAGMENT);
    let mut encoder = Encoder::new(None, None);
    assert_eq!(encoder.push(Message::Binary(payload.clone())), None);
    assert_eq!(all(&mut encoder), [(0x82, payload.to_vec())]);
}

#[test]
fn raw_frame_is_sent_unchanged() {
    let payload = noise(3 * FRAGMENT);
    let mut encoder = Encoder::new(Some(100), None);
    for message in [raw(0x42, payload.clone()), raw(0x00, "more"), raw(0x80, vec![0; 200])] {
        let _ = encoder.push(message);
    }
    assert_eq!(all(&mut encoder), [(0x42, payload.to_vec()), (0x00, b"more".to_vec()), (0x80, vec![0; 200])]);
}

#[test]
fn compressed_message_is_sent_whole_up_to_a_size() {
    let payload = noise(1000);
    for (whole, frames) in
        [(1000, vec![(0xc2, 0..1000)]), (999, vec![(0x42, 0..400), (0x00, 400..800), (0x80, 800..1000)])]
    {
        let mut encoder = Encoder::new(Some(400), None);
        encoder.push_compressed(Data::Binary, payload.clone(), whole);
        assert_eq!((encoder.accepted(), encoder.queued()), (1, 1000 + 4 * frames.len()));
        let expected: Vec<_> =
            frames.into_iter().map(|(first, part)| (first, payload[part].to_vec())).collect();
        assert_eq!(all(&mut encoder), expected);
    }
}

#[test]
fn control_frames_overtake_data_that_is_not_encoded() {
    let mut encoder = Encoder::new(Some(FRAGMENT), None);
    assert_eq!(encoder.push(Message::text("framed")), Some(Message::text("framed")));
    assert_eq!(encoder.push(Message::Binary(noise(3 * FRAGMENT))), None);
    encoder.push_control(&Control::Ping("1".into()));
    assert_eq!(next(&mut encoder).iter().map(|(first, _)| *first).collect::<Vec<_>>(), [0x81, 0x89, 0x02]);
    encoder.push_control(&Control::Pong("2".into()));
    assert_eq!(next(&mut encoder).iter().map(|(first, _)| *first).collect::<Vec<_>>(), [0x8a, 0x00]);
    assert_eq!(next(&mut encoder).iter().map(|(first, _)| *first).collect::<Vec<_>>(), [0x80]);
    assert!(encoder.is_empty());
}

#[test]
fn control_messages_of_the_application_keep_their_place() {
    let mut encoder = Encoder::new(Some(FRAGMENT), None);
    assert_eq!(encoder.push(Message::Ping("1".into())), Some(Message::Frame(Frame::ping("1"))));
    assert_eq!(encoder.push(Message::Binary(noise(FRAGMENT + 1))), None);
    for message in [Message::Pong("2".into()), Message::Close(Some(close(1000, "bye")))] {
        assert_eq!(encoder.push(message), None);
    }
    let first: Vec<_> = all(&mut encoder).iter().map(|(first, _)| *first).collect();
    assert_eq!((first, encoder.accepted()), (vec![0x89, 0x02, 0x80, 0x8a, 0x88], 4));
}

#[test]
fn shared_frame_is_copied_only_if_frames_follow() {
    let shared = || (0x81, b"shared".to_vec());
    let frame = shared_frame(&Message::text("shared")).unwrap();
    let mut encoder = Encoder::new(Some(6), None);
    assert!(encoder.push_shared(&frame, 6));
    assert_eq!(encoder.queued(), frame.len());
    let flight = encoder.next_flight().unwrap();
    assert_eq!((Arc::strong_count(&frame), encoder.given()), (2, 1));
    assert_eq!(bytes(flight), *frame);
    assert_eq!(Arc::strong_count(&frame), 1);

    assert!(encoder.push_shared(&frame, 6));
    assert!(!encoder.push_shared(&frame, 6));
    assert!(encoder.push(Message::text("second")).is_some());
    encoder.push_control(&Control::Pong("3".into()));
    assert!(!encoder.push_shared(&frame, 6));
    assert_eq!(Arc::strong_count(&frame), 1);
    assert_eq!(all(&mut encoder), [shared(), (0x81, b"second".to_vec()), (0x8a, b"3".to_vec())]);
    assert_eq!(encoder.accepted(), 3);

    // Large messages follow a shared frame in order.
    assert!(encoder.push_shared(&frame, 6));
    assert!(encoder.push(Message::binary(noise(7))).is_none());
    encoder.push_close_last(None);
    let (first, last) = (noise(7).slice(..6).to_vec(), noise(7).slice(6..).to_vec());
    assert_eq!(all(&mut encoder), [shared(), (0x02, first), (0x80, last), (0x88, Vec::new())]);

    assert!(encoder.push_shared(&frame, 6));
    drop(encoder.clear());
    assert_eq!((all(&mut encoder), encoder.queued()), (Vec::new(), 0));
    assert!(encoder.push_shared(&frame, 6));
    encoder.push_control(&Control::Pong("4".into()));
    drop(encoder.clear());
    assert_eq!(all(&mut encoder), [(0x8a, b"4".to_vec())]);
}

#[test]
fn frame_is_not_shared_if_it_would_differ() {
    let frame = shared_frame(&Message::binary(noise(6))).unwrap();
    assert_eq!(server_frames(&frame), [(0x82, noise(6).to_vec())]);
    // A client masks its frames, and a server fragments large messages.
    assert!(!Encoder::new(None, Some(|| [1, 2, 3, 4])).push_shared(&frame, 6));
    assert!(!Encoder::new(Some(5), None).push_shared(&frame, 6));
    assert!(Encoder::new(None, None).push_shared(&frame, 6));
    assert!(shared_frame(&Message::binary(noise(COPY_MAX))).is_some());
    assert!(shared_frame(&Message::binary(noise(COPY_MAX + 1))).is_none());
    assert!(shared_frame(&Message::Ping(Bytes::new())).is_none());
}

#[test]
fn encoded_data_is_bounded_so_that_control_frames_can_overtake() {
    let mut encoder = Encoder::new(Some(FRAGMENT), None);
    let count = 20;
    for _ in 0..count {
        let _ = encoder.push(Message::Binary(noise(10_000)));
    }
    encoder.push_control(&Control::Ping("".into()));
    let flight = encoder.next_flight().unwrap();
    assert!(flight.remaining() <= MAX_FRAMED + 2 && encoder.given() == 6, "{}", flight.remaining());
    assert_eq!(all(&mut encoder).len(), count - 6);
    assert!(noise(10_000).len() <= COPY_MAX);
}

#[test]
fn control_frames_are_truncated_to_their_maximum_length() {
    let mut encoder = Encoder::new(None, None);
    encoder.push_control(&Control::Ping(vec![1; 126].into()));
    encoder.push_control(&Control::Pong(vec![2; 1000].into()));
    encoder.push_close_last(Some(&close(1000, &"é".repeat(70))));
    let lens: Vec<_> = all(&mut encoder).iter().map(|(_, payload)| payload.len()).collect();
    assert_eq!(lens, [125, 125, 2 + 122]);
}

#[test]
fn last_close_follows_all_data() {
    let mut encoder = Encoder::new(Some(FRAGMENT), None);
    assert_eq!(encoder.push(Message::Binary(noise(2 * FRAGMENT))), None);
    encoder.push_close_last(Some(&close(1001, "first")));
    encoder.push_close_last(Some(&close(1000, "")));
    assert_eq!(encoder.push(Message::text("late")), None);
    let frames: Vec<_> = all(&mut encoder).into_iter().map(|(first, _)| first).collect();
    assert_eq!(frames, [0x02, 0x80, 0x81, 0x88]);
    encoder.push_close_last(None);
    assert_eq!(encoder.queued(), 2);
    assert_eq!(all(&mut encoder), [(0x88, vec![])]);
}

#[test]
fn clear_removes_data_and_keeps_pongs_and_the_close() {
    let mut encoder = Encoder::new(Some(FRAGMENT), None);
    assert_eq!(encoder.push(Message::Binary(noise(2 * FRAGMENT))), None);
    encoder.push_close_last(Some(&close(1000, "last")));
    assert_eq!(next(&mut encoder), [(0x02, noise(FRAGMENT).to_vec())]);
    encoder.push_control(&Control::Pong("pong".into()));
    drop(encoder.clear());
    assert_eq!(encoder.queued(), 2 + 4 + 2 + 6);
    encoder.push_control(&Control::Ping("ping".into()));
    let flight = encoder.next_flight().unwrap();
    assert_eq!((encoder.given(), encoder.accepted()), (0, 1));
    let expected: [(u8, &[u8]); 3] = [(0x8a, b"pong"), (0x89, b"ping"), (0x88, b"\x03\xe8last")];
    assert_eq!(server_frames(&bytes(flight)), expected.map(|(first, payload)| (first, payload.to_vec())));
    assert!(encoder.is_empty());

    // Encoded data is removed as well, and not counted.
    let mut encoder = Encoder::new(Some(FRAGMENT), None);
    for len in [0, 5, 125, 126, 1000] {
        let _ = encoder.push(Message::Binary(noise(len)));
        encoder.push_control(&Control::Pong(noise(len.min(125))));
        encoder.push_control(&Control::Ping(noise(len.min(125))));
    }
    drop(encoder.clear());
    let flight = encoder.next_flight().unwrap();
    assert_eq!(encoder.given(), 0);
    let frames = server_frames(&bytes(flight));
    assert!(frames.len() == 5 && frames.iter().all(|(first, _)| *first == 0x8a));
    assert!(encoder.clear()._messages.is_empty() && encoder.is_empty());
}

/// Counts drops.
struct Guard(Arc<AtomicUsize>, Vec<u8>);

impl AsRef<[u8]> for Guard {
    fn as_ref(&self) -> &[u8] {
        &self.1
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn values_of_the_application_are_not_dropped_inside() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let owned = |len| Bytes::from_owner(Guard(Arc::clone(&dropped), vec![1; len]));
    let mut encoder = Encoder::new(Some(FRAGMENT), None);
    let mut kept = Vec::new();
    let mut flights = Vec::new();
    for len in [0, 10, COPY_MAX, COPY_MAX + 1, FRAGMENT + 1, 0, 3, 3 * FRAGMENT] {
        kept.push(encoder.push(Message::Binary(owned(len))));
        kept.push(encoder.push(raw(0x82, owned(len))));
        kept.push(encoder.push(Message::Ping(owned(len))));
    }
    while let Some(mut flight) = encoder.next_flight() {
        flight.advance(flight.remaining());
        flights.push(flight);
    }
    for _ in 0..3 {
        kept.push(encoder.push(Message::Binary(owned(FRAGMENT + 1))));
        flights.extend(encoder.next_flight());
    }
    let garbage = encoder.clear();
    assert!(encoder.is_empty());
    drop(encoder);
    assert_eq!(dropped.load(Relaxed), 0);
    drop((kept, flights, garbage));
    assert_eq!(dropped.load(Relaxed), 8 * 3 + 3);
}

#[derive(Clone, Debug)]
enum Action {
    Text(String),
    Binary(usize),
    Compressed(usize),
    Raw(usize),
    Ping(usize),
    CloseLast,
    Flight,
    Clear,
}

fn action() -> impl Strategy<Value = Action> {
    let len = || prop_oneof![0..300_usize, 16_000..17_000_usize, 60_000..140_000_usize];
    prop_oneof![
        4 => "\\PC{0,200}".prop_map(Action::Text),
        4 => len().prop_map(Action::Binary),
        2 => len().prop_map(Action::Compressed),
        1 => len().prop_map(Action::Raw),
        2 => (0..130_usize).prop_map(Action::Ping),
        1 => Just(Action::CloseLast),
        6 => Just(Action::Flight),
        1 => Just(Action::Clear),
    ]
}

/// Returns the size on the wire of a message in frames of at most `max` bytes, cut anywhere.
fn wire(len: usize, max: usize) -> usize {
    let header = |len| [2, 4, 10][usize::from(len > 125) + usize::from(len > 0xffff)];
    let (whole, rest) = (len / max, len % max);
    len + whole * header(max) + if rest > 0 || whole == 0 { header(rest) } else { 0 }
}

/// RFC 6455 §5.7, with the key of the example for all frames.
#[test]
fn client_masks_each_frame() {
    let mut encoder = Encoder::new(Some(FRAGMENT), Some(|| [0x37, 0xfa, 0x21, 0x3d]));
    let _ = encoder.push(Message::text("Hello"));
    encoder.push_control(&Control::Ping("Hello".into()));
    let hello = [0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    let expected = [&[0x81, 0x85][..], &hello, &[0x89, 0x85], &hello].concat();
    assert_eq!((encoder.queued(), expected.len()), (22, 22));
    assert_eq!(bytes(encoder.next_flight().unwrap()), expected);
}

/// Returns a different key each time.
fn counted() -> Key {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    COUNT.fetch_add(0x0101_0101, Relaxed).to_be_bytes()
}

#[test]
fn large_message_is_masked_in_copied_pieces() {
    // Miri is slow.
    let payload = noise(if cfg!(miri) { 70_003 } else { 1_000_003 });
    let mut encoder = Encoder::new(None, Some(counted));
    let _ = encoder.push(Message::text("before"));
    let _ = encoder.push(Message::Binary(payload.clone()));
    let mut flight = encoder.next_flight().unwrap();
    let (total, mut written) = (flight.remaining(), Vec::new());
    for i in 0.. {
        let slice = flight.slices().into_iter().flat_map(|slice| slice.to_vec()).collect::<Vec<_>>();
        assert!(slice.len() <= 64 * 1024 && flight.remaining() + written.len() == total);
        // The IO may accept any number of bytes at a time.
        let len = slice.len().min([1, 70_000, 13, 40_000][i % 4]);
        if len == 0 {
            break;
        }
        written.extend_from_slice(&slice[..len]);
        flight.advance(len);
    }
    assert_eq!(flight.remaining(), 0);
    let frames = client_frames(&written);
    let expected = [(0x81, b"before".to_vec()), (0x82, payload.to_vec())];
    assert!(frames.iter().map(|(first, payload, _)| (*first, payload.clone())).eq(expected));
    assert_ne!(frames[0].2, frames[1].2);
    assert_eq!(payload, noise(payload.len()));
}

#[test]
fn clear_removes_masked_data_and_pings() {
    let mut encoder = Encoder::new(Some(FRAGMENT), Some(counted));
    for len in [0, 5, 125, 126, 1000] {
        let _ = encoder.push(Message::Binary(noise(len)));
        encoder.push_control(&Control::Pong(noise(len.min(125))));
        encoder.push_control(&Control::Ping(noise(len.min(125))));
    }
    encoder.push_close_last(Some(&close(1000, "last")));
    drop(encoder.clear());
    let queued = encoder.queued();
    let written = bytes(encoder.next_flight().unwrap());
    assert_eq!(written.len(), queued);
    let frames: Vec<_> =
        client_frames(&written).into_iter().map(|(first, payload, _)| (first, payload)).collect();
    let pongs = [0, 5, 125, 125, 125].map(|len| (0x8a, noise(len).to_vec()));
    assert_eq!(frames[..5], pongs);
    assert_eq!(frames[5..], [(0x88, b"\x03\xe8last".to_vec())]);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn client_sends_the_masked_frames_of_a_server(
        lens in vec(prop_oneof![0..300_usize, 15_000..70_000_usize], 0..8),
        max in prop_oneof![Just(64 * 1024), 100..20_000_usize],
    ) {
        let mut server = Encoder::new(Some(max), None);
        let mut client = Encoder::new(Some(max), Some(counted));
        for len in lens.into_iter().map(|len| if cfg!(miri) { len / 100 } else { len }) {
            let _ = server.push(Message::Binary(noise(len)));
            let _ = client.push(Message::Binary(noise(len)));
        }
        let (queued, mut written) = (client.queued(), Vec::new());
        while let Some(flight) = client.next_flight() {
            written.extend(bytes(flight));
        }
        prop_assert_eq!((written.len(), client.queued()), (queued, 0));
        let frames = client_frames(&written).into_iter().map(|(first, payload, _)| (first, payload));
        prop_assert!(frames.eq(all(&mut server)));
    }

    #[test]
    fn count_of_queued_bytes_is_always_exact(
        actions in vec(action(), 0..if cfg!(miri) { 6 } else { 20 }),
        max in prop_oneof![Just(FRAGMENT), 4..2000_usize],
    ) {
        let mut encoder = Encoder::new(Some(max), None);
        let mut kept: Vec<Option<Message>> = Vec::new();
        for action in actions {
            let before = encoder.queued();
            let more = match action {
                Action::Text(text) => {
                    let message = Message::text(text);
                    let mut alone = Encoder::new(Some(max), None);
                    let _ = alone.push(message.clone());
                    kept.push(encoder.push(message));
                    all(&mut alone).iter().map(|(_, payload)| wire(payload.len(), usize::MAX)).sum()
                }
                Action::Binary(len) => {
                    kept.push(encoder.push(Message::Binary(noise(len))));
                    wire(len, max)
                }
                Action::Compressed(len) => {
                    encoder.push_compressed(Data::Binary, noise(len), 1000);
                    if len <= 1000 { wire(len, usize::MAX) } else { wire(len, max) }
                }
                Action::Raw(len) => {
                    kept.push(encoder.push(raw(0x82, noise(len))));
                    wire(len, usize::MAX)
                }
                Action::Ping(len) => {
                    encoder.push_control(&Control::Ping(noise(len)));
                    wire(len.min(125), usize::MAX)
                }
                Action::CloseLast => {
                    if encoder.queue.as_ref().is_some_and(|queue| queue.close.is_some()) {
                        continue;
                    }
                    encoder.push_close_last(None);
                    2
                }
                Action::Flight => {
                    let flight = encoder.next_flight();
                    let given = flight.as_ref().map_or(0, Flight::remaining);
                    prop_assert_eq!(encoder.queued(), before - given);
                    prop_assert_eq!(flight.is_none(), before == 0);
                    continue;
                }
                Action::Clear => {
                    drop(encoder.clear());
                    break;
                }
            };
            prop_assert_eq!(encoder.queued(), before + more);
        }
        let queued = encoder.queued();
        let mut given = 0;
        while let Some(mut flight) = encoder.next_flight() {
            // In pieces, as an IO accepts them.
            while flight.remaining() > 0 {
                let piece = (flight.remaining() / 2).max(1);
                let before = flight.slices().map(|slice| slice.to_vec()).concat();
                flight.advance(piece);
                given += piece;
                let after = flight.slices().map(|slice| slice.to_vec()).concat();
                prop_assert!(before[piece..] == after);
            }
        }
        prop_assert_eq!((given, encoder.queued()), (queued, 0));
    }

    #[test]
    fn text_is_split_only_between_characters(text in "\\PC{0,300}", max in 1..40_usize) {
        let mut encoder = Encoder::new(Some(max), None);
        let _ = encoder.push(Message::text(text.clone()));
        let frames = all(&mut encoder);
        let mut joined = String::new();
        for (i, (first, payload)) in frames.iter().enumerate() {
            let part = std::str::from_utf8(payload).unwrap();
            // A character may be larger than a frame.
            prop_assert!(part.len() <= max || part.chars().count() == 1);
            let opcode = if i == 0 { 1 } else { 0 };
            prop_assert_eq!(*first, if i + 1 == frames.len() { 0x80 | opcode } else { opcode });
            joined += part;
        }
        prop_assert_eq!(joined, text);
    }

    #[test]
    fn messages_are_sent_in_order_and_whole(
        lens in vec(prop_oneof![0..300_usize, 15_000..70_000_usize], 0..12),
        flights in vec(any::<bool>(), 12),
        max in prop_oneof![Just(64 * 1024), 100..20_000_usize],
    ) {
        let lens: Vec<_> = lens.into_iter().map(|len| if cfg!(miri) { len / 100 } else { len }).collect();
        let mut encoder = Encoder::new(Some(max), None);
        let (mut frames, mut position) = (Vec::new(), 0);
        let mut take = |encoder: &mut Encoder, frames: &mut Vec<(u8, Vec<u8>)>| {
            let Some(flight) = encoder.next_flight() else { return false };
            assert!(encoder.given() >= position);
            position = encoder.given();
            frames.extend(server_frames(&bytes(flight)));
            assert_eq!(frames.iter().filter(|(first, _)| first & 0x80 != 0).count() as u64, position);
            true
        };
        for (len, flies) in lens.iter().zip(flights) {
            let _ = encoder.push(Message::Binary(noise(*len)));
            if flies {
                take(&mut encoder, &mut frames);
            }
        }
        while take(&mut encoder, &mut frames) {}
        let mut messages = vec![Vec::new()];
        for (first, payload) in frames {
            messages.last_mut().unwrap().extend(payload);
            if first & 0x80 != 0 {
                messages.push(Vec::new());
            }
        }
        messages.pop();
        prop_assert!(messages.iter().eq(lens.iter().map(|len| noise(*len)).collect::<Vec<_>>().iter()));
        prop_assert_eq!(encoder.accepted(), lens.len() as u64);
    }
}

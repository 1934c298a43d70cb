//! Tests of the decoding of compressed messages (RFC 7692).

use std::iter;

use flate2::{Compress, Compression, FlushCompress};
use http::{
    HeaderMap,
    header::{HeaderValue, SEC_WEBSOCKET_EXTENSIONS},
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use tungstenite::{Message, protocol::Role};

use super::{Decoded, Decoder, Limits};
use crate::{
    codec::reference::{Outcome, decode, frame, header, joined},
    deflate::{Deflate, NegotiatedDeflate, Offers, Settings},
    header::arbitrary::config,
};

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CONTINUE: u8 = 0;

/// Only the client keeps its window, so the decoder keeps a history.
const TAKEOVER: &str = "permessage-deflate; server_no_context_takeover";
/// Both sides keep their window, so the decoder keeps its inflater.
const BOTH_TAKEOVER: &str = "permessage-deflate";
const NO_TAKEOVER: &str = "permessage-deflate; client_no_context_takeover";

const LIMITS: Limits = Limits { max_message_size: 1 << 20, max_frame_size: 1 << 20 };

/// "Hello" (§7.2.3.1), and again with the window that it leaves (§7.2.3.2).
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];
/// The same as a stream of its own.
const LAST: [u8; 8] = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];

fn agreed(offer: &str) -> NegotiatedDeflate {
    let mut headers = HeaderMap::new();
    headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(offer).unwrap());
    let offers = Offers::new(&headers, &Settings(Some(Deflate::new().context_takeover(true))));
    let mut response = HeaderMap::new();
    response.insert(SEC_WEBSOCKET_EXTENSIONS, offers.answer().unwrap());
    offers.settle(&mut response)
}

fn decoder(offer: &str, limits: Limits) -> Decoder {
    Decoder::new(Role::Server, limits, agreed(offer).inflater())
}

/// The first byte and the payload of a frame.
type Payload<'a> = (u8, &'a [u8]);

fn decode_all(offer: &'static str, frames: &[Payload<'_>]) -> Outcome {
    let stream: Vec<u8> = frames.iter().flat_map(|(first, payload)| frame(*first, payload)).collect();
    let whole = decode(&mut decoder(offer, LIMITS), [&stream[..]]);
    let mut single = decode(&mut decoder(offer, LIMITS), stream.chunks(1));
    single.taken = whole.taken;
    assert_eq!(single, whole);
    whole
}

/// The compressor of a client.
struct Deflater {
    inner: Compress,
    takeover: bool,
}

impl Deflater {
    fn new(takeover: bool, window_bits: u8) -> Self {
        Self { inner: Compress::new_with_window_bits(Compression::new(6), false, window_bits), takeover }
    }

    fn message(&mut self, message: &[u8]) -> Vec<u8> {
        let mut payload = self.compress(message, FlushCompress::Sync);
        payload.truncate(payload.len() - 4);
        payload
    }

    /// Compresses a message as a stream of its own.
    fn last(&mut self, message: &[u8]) -> Vec<u8> {
        let payload = self.compress(message, FlushCompress::Finish);
        self.inner.reset();
        payload
    }

    fn compress(&mut self, message: &[u8], flush: FlushCompress) -> Vec<u8> {
        if !self.takeover {
            self.inner.reset();
        }
        let mut payload = Vec::with_capacity(2 * message.len() + 64);
        let before = self.inner.total_in();
        self.inner.compress_vec(message, &mut payload, flush).unwrap();
        assert_eq!(self.inner.total_in() - before, message.len() as u64);
        payload
    }
}

fn noise(len: usize) -> Vec<u8> {
    let mut seed = 1_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn text(len: usize) -> String {
    (0..)
        .flat_map(|i| format!("{{\"id\": {i}, \"näme\": {}}},", i * 7919).into_bytes())
        .map(char::from)
        .take(len)
        .collect()
}

/// §7.2.3.
#[test]
fn examples_of_rfc_7692_are_decoded() {
    let hello = || Message::text("Hello");
    let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    let first = FIN | RSV1 | TEXT;
    let cases: &[(&[Payload<'_>], usize)] = &[
        (&[(first, &HELLO)], 1),
        (&[(RSV1 | TEXT, &HELLO[..3]), (FIN | CONTINUE, &HELLO[3..])], 1),
        (&[(first, &HELLO), (first, &AGAIN), (first, &AGAIN)], 3),
        (&[(first, &stored)], 1),
        (&[(first, &LAST), (first, &LAST)], 2),
        (&[(first, &two)], 1),
        // Peers that do not end a message correctly.
        (&[(first, &LAST[..7]), (first, &HELLO)], 2),
        (&[(RSV1 | TEXT, &LAST[..7]), (CONTINUE, &[]), (FIN | CONTINUE, &[]), (first, &HELLO)], 2),
    ];
    for (frames, count) in cases {
        let outcome = decode_all(TAKEOVER, frames);
        assert_eq!(outcome.messages, vec![hello(); *count]);
        assert!(outcome.is_at_rest);
    }
    for frames in [&[(first, &[0][..])][..], &[(first, &[])], &[(RSV1 | TEXT, &[]), (FIN | CONTINUE, &[])]] {
        assert_eq!(decode_all(NO_TAKEOVER, frames).messages, [Message::text("")]);
    }
}

/// §7.1.1.2, §7.2.3.2: a message may refer only to messages that the same client compressed before,
/// and only if this was negotiated.
#[test]
fn only_compressed_messages_of_the_same_client_are_in_the_window() {
    let first = FIN | RSV1 | TEXT;
    let frames = &[(first, &HELLO[..]), (first, &AGAIN)];
    assert_eq!(decode_all(NO_TAKEOVER, frames).code, Some(1007));
    for (frames, code) in [
        (&frames[..], None),
        (&[(first, &AGAIN)], Some(1007)),
        // An uncompressed message is not in the window.
        (&[(FIN | TEXT, b"Hello"), (first, &AGAIN)], Some(1007)),
        (&[(first, &HELLO), (FIN | TEXT, b"plain"), (first, &AGAIN)], None),
        // The end of a stream clears the window.
        (&[(first, &LAST), (first, &AGAIN)], Some(1007)),
    ] {
        for offer in [TAKEOVER, BOTH_TAKEOVER] {
            assert_eq!(decode_all(offer, frames).code, code, "{offer}: {frames:x?}");
        }
    }
}

#[test]
fn connections_of_a_thread_share_no_history() {
    let (hello, again) = (frame(FIN | RSV1 | TEXT, &HELLO), frame(FIN | RSV1 | TEXT, &AGAIN));
    for offer in [TAKEOVER, BOTH_TAKEOVER] {
        let mut one = decoder(offer, LIMITS);
        let mut other = decoder(offer, LIMITS);
        assert_eq!(decode(&mut one, [&hello[..]]).code, None);
        assert_eq!(decode(&mut other, [&again[..]]).code, Some(1007));
        assert_eq!(decode(&mut one, [&again[..]]).messages, [Message::text("Hello")]);
        // While the first decoder is in the middle of a message.
        let mut other = decoder(offer, LIMITS);
        let (begin, end) = again.split_at(8);
        assert_eq!(decode(&mut one, [begin]).code, None);
        assert_eq!(decode(&mut other, [&hello[..], &again]).messages.len(), 2);
        assert_eq!(decode(&mut one, [end]).messages, [Message::text("Hello")]);
    }
}

/// Data that refers back as far as the negotiated window, over messages of all sizes.
#[test]
#[cfg_attr(miri, ignore = "compressing takes minutes")]
fn windows_of_every_size_are_inflated() {
    let sizes = [1, 100, 511, 512, 513, 3000, 16_383, 16_384, 16_385, 16_386, 32_767, 32_768, 40_000, 100];
    let offers = [
        (9, "permessage-deflate; client_max_window_bits=9"),
        (12, "permessage-deflate; client_max_window_bits=12"),
        (15, "permessage-deflate; client_max_window_bits"),
    ];
    let of_both_kinds = |(bits, offer): (u8, &str)| {
        [(bits, offer.to_owned()), (bits, format!("{offer}; server_no_context_takeover"))]
    };
    for (window_bits, offer) in offers.into_iter().flat_map(of_both_kinds) {
        let source = noise(60_000);
        let (mut deflater, mut decoder) = (Deflater::new(true, window_bits), decoder(&offer, LIMITS));
        for (i, len) in sizes.iter().chain(&sizes).enumerate() {
            // Bytes that are repeated only in other messages.
            let message = &source[i * 37 % 500..][..*len];
            let stream = frame(FIN | RSV1 | BINARY, &deflater.message(message));
            let outcome = decode(&mut decoder, stream.chunks(5000));
            assert!(outcome.messages == [Message::binary(message.to_vec())], "{offer}: {len} bytes");
        }
    }
}

#[test]
fn reserved_bit_1_follows_the_rules_of_compression() {
    let begun = frame(RSV1 | TEXT, &HELLO[..3]);
    let plain = frame(TEXT, b"plain");
    for (stream, code) in [
        ([&begun[..], &[FIN | RSV1 | CONTINUE]].concat(), Some(1002)),
        ([&plain[..], &[FIN | RSV1 | CONTINUE]].concat(), Some(1002)),
        ([&begun[..], &[FIN | RSV1 | TEXT]].concat(), Some(1002)),
        (vec![FIN | RSV1 | CONTINUE], Some(1002)),
        (vec![FIN | RSV1 | 9], Some(1002)),
        (vec![FIN | RSV1 | 0x20 | TEXT], Some(1002)),
        (vec![FIN | RSV1 | 3], Some(1002)),
        (vec![FIN | RSV1 | TEXT, 0x05], Some(1002)),
        (vec![FIN | RSV1 | TEXT], None),
    ] {
        assert_eq!(decode(&mut decoder(TAKEOVER, LIMITS), [&stream[..]]).code, code, "{stream:x?}");
    }
}

#[test]
fn data_that_cannot_be_inflated_fails_with_1007() {
    for payload in [&[0x06][..], &[0x00, 0x05, 0x00, 0x00, 0x00, 1, 2], &AGAIN, &[0xff; 100]] {
        assert_eq!(decode_all(TAKEOVER, &[(FIN | RSV1 | TEXT, payload)]).code, Some(1007));
        assert_eq!(decode_all(NO_TAKEOVER, &[(RSV1 | BINARY, payload)]).code, Some(1007));
    }
}

#[test]
#[cfg_attr(miri, ignore = "compressing takes minutes")]
fn invalid_text_fails_before_its_message_is_complete() {
    let message = [text(300).as_bytes(), &[0xff], &noise(3000)].concat();
    let stream = frame(FIN | RSV1 | TEXT, &Deflater::new(true, 15).message(&message));
    let outcome = decode(&mut decoder(TAKEOVER, LIMITS), stream.chunks(1));
    assert_eq!(outcome.code, Some(1007));
    assert!(outcome.taken < 1500, "{}", outcome.taken);
}

/// The limits apply to the inflated data.
#[test]
#[cfg_attr(miri, ignore = "compressing takes minutes")]
fn limits_apply_to_the_inflated_message() {
    let limits = Limits { max_message_size: 10_000, max_frame_size: 10_000 };
    let compressed = |message: &[u8]| Deflater::new(false, 15).message(message);
    for (len, code) in [(9999, None), (10_000, None), (10_001, Some(1009)), (1 << 20, Some(1009))] {
        for message in [vec![0; len], noise(len)] {
            let payload = compressed(&message);
            let half = payload.len() / 2;
            for frames in [
                vec![frame(FIN | RSV1 | BINARY, &payload)],
                vec![frame(RSV1 | BINARY, &payload[..half]), frame(FIN | CONTINUE, &payload[half..])],
            ] {
                let stream = frames.concat();
                let outcome = decode(&mut decoder(TAKEOVER, limits), stream.chunks(3000));
                assert_eq!(outcome.code, code, "{len} bytes");
                assert_eq!(outcome.messages.len(), usize::from(code.is_none()));
            }
        }
    }
    // The memory of a compressor determines the size of a block, and so the overhead.
    let payload: Vec<u8> = noise(10_000)
        .chunks(1024)
        .flat_map(|chunk| {
            let len = chunk.len() as u16;
            [&[0][..], &len.to_le_bytes(), &(!len).to_le_bytes(), chunk].concat()
        })
        .chain([0])
        .collect();
    let stream = frame(FIN | RSV1 | BINARY, &payload);
    assert_eq!(
        decode(&mut decoder(TAKEOVER, limits), [&stream[..]]).messages,
        [Message::binary(noise(10_000))]
    );
    // A frame may exceed the limit only because of compression.
    let small = Limits { max_message_size: 10_000, max_frame_size: 5000 };
    for (message, code) in [
        (vec![0; 10_000], None),
        (noise(4990), None),
        (noise(5000), None),
        (noise(5001), Some(1009)),
        (noise(5100), Some(1009)),
    ] {
        let stream = frame(FIN | RSV1 | BINARY, &compressed(&message));
        assert_eq!(decode(&mut decoder(TAKEOVER, small), stream.chunks(700)).code, code, "{}", message.len());
    }
    // No message within the limits has a frame of this size.
    let stream = header(FIN | RSV1 | BINARY, 12_000);
    assert_eq!(decode(&mut decoder(TAKEOVER, limits), [&stream[..4]]).code, Some(1009));
    let stream = header(FIN | BINARY, 10_001);
    assert_eq!(decode(&mut decoder(TAKEOVER, limits), [&stream[..4]]).code, Some(1009));
}

/// A step takes or returns some bytes, up to a maximum. The memory of a message is bounded.
#[test]
#[cfg_attr(miri, ignore = "compressing takes minutes")]
fn steps_and_memory_are_bounded() {
    let zeros = Deflater::new(false, 15).message(&vec![0; 8 << 20]);
    let repeated = |block: &[u8], len: usize| block.repeat(len / block.len());
    let len = 200_000;
    for (payload, bytes_per_step) in [
        (zeros.clone(), 1),
        // Empty blocks, stored and compressed, and streams that end.
        (repeated(&[0, 0, 0, 0xff, 0xff], len), 4000),
        (repeated(&[0x02, 0x08, 0x20, 0x80, 0x00], len), 4000),
        (repeated(&[3, 0], len), 100),
        (repeated(&[1, 0, 0, 0xff, 0xff], len), 300),
        (repeated(&LAST[..7], len), 400),
    ] {
        for first in [RSV1 | BINARY, RSV1 | TEXT] {
            let limits = Limits { max_message_size: 1 << 20, max_frame_size: 1 << 20 };
            let mut decoder = decoder(TAKEOVER, limits);
            let mut stream = frame(first, &payload);
            let mut input = &mut stream[..];
            let mut steps = 0;
            while !input.is_empty() {
                let (before, held) = (input.len(), decoder.assembled());
                match decoder.decode(&mut input) {
                    Ok(Decoded::Progress | Decoded::Starved) => {}
                    Ok(decoded) => panic!("{decoded:?}"),
                    // This message exceeds the limit in the end.
                    Err(_) => {
                        assert!(payload == zeros);
                        break;
                    }
                }
                let (taken, given) = (before - input.len(), decoder.assembled() - held);
                assert!(taken <= 4096 + 14 && given <= 16 * 1024 + 1 && taken + given > 0);
                assert!(decoder.message.as_ref().is_none_or(|message| message.capacity() <= 1 << 20));
                steps += 1;
            }
            let given = decoder.assembled() / 16_384;
            assert!(steps <= payload.len() / bytes_per_step + given + 3, "{steps} steps");
        }
    }
}

/// Between messages, a connection holds no inflater, and no more history than the client has sent.
#[test]
#[cfg_attr(miri, ignore = "compressing takes minutes")]
fn between_messages_only_the_history_is_kept() {
    let mut decoder = decoder(TAKEOVER, LIMITS);
    let mut deflater = Deflater::new(true, 15);
    let mut sent = 0;
    for len in [10, 100, 1000, 20_000, 100_000] {
        let stream = frame(FIN | RSV1 | BINARY, &deflater.message(&noise(len)));
        assert_eq!(decode(&mut decoder, [&stream[..]]).messages.len(), 1);
        sent += len;
        assert!(decoder.message.is_none());
        let held = decoder.inflater.held();
        assert!(held >= sent.min(1 << 15) && held <= (sent + sent / 4).min(1 << 15), "{held} of {sent}");
    }
}

/// A connection may be kept in a thread-local. Its destructor may run after those of the values
/// that the thread's connections share.
#[test]
#[cfg_attr(miri, ignore = "compressing takes minutes")]
fn ending_thread_can_still_inflate_and_compress() {
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            inflate_and_compress();
        }
    }
    fn inflate_and_compress() {
        let stream = frame(FIN | RSV1 | TEXT, &HELLO);
        let mut decoder = decoder(TAKEOVER, LIMITS);
        assert_eq!(decode(&mut decoder, stream.chunks(4)).messages, [Message::text("Hello")]);
        let message = Message::text(text(1000));
        assert!(agreed(NO_TAKEOVER).deflater().compress(&message).is_some());
    }
    thread_local!(static LATE: Late = const { Late });
    // A panic in the destructor of a thread-local aborts the process.
    std::thread::spawn(|| {
        LATE.with(|_| ());
        inflate_and_compress();
    })
    .join()
    .unwrap();
}

#[derive(Clone, Debug)]
struct Part {
    len: usize,
    kind: u8,
    cuts: Vec<Index>,
}

fn part() -> impl Strategy<Value = Part> {
    let len = prop_oneof![4 => 0..600_usize, 2 => 16_000..17_000_usize, 1 => 32_000..70_000_usize];
    (len, 0..6_u8, vec(any::<Index>(), 0..4)).prop_map(|(len, kind, cuts)| Part { len, kind, cuts })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..config() })]

    #[test]
    #[cfg_attr(miri, ignore = "compressing takes minutes")]
    fn any_messages_in_any_frames_and_pieces_are_decoded(
        parts in vec(part(), 1..6),
        offer in select(&[TAKEOVER, BOTH_TAKEOVER, NO_TAKEOVER]),
        piece in prop_oneof![Just(usize::MAX), 1..40_usize, 1000..70_000_usize],
    ) {
        let mut deflater = Deflater::new(offer != NO_TAKEOVER, 15);
        let (mut stream, mut expected) = (Vec::new(), Vec::new());
        for Part { len, kind, cuts } in parts {
            let (message, opcode) = if kind & 1 == 0 {
                (Message::text(text(len)), TEXT)
            } else {
                (Message::binary(noise(len)), BINARY)
            };
            let data = message.clone().into_data();
            let payload = match kind / 2 {
                0 => data.to_vec(),
                1 => deflater.message(&data),
                _ => {
                    let mut stream = deflater.last(&data);
                    stream.push(0);
                    stream
                }
            };
            let mut first = opcode | if kind / 2 == 0 { 0 } else { RSV1 };
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.index(payload.len() + 1)).collect();
            cuts.extend([0, payload.len()]);
            cuts.sort_unstable();
            let count = cuts.len() - 1;
            for (i, cut) in cuts.windows(2).enumerate() {
                let fin = if i + 1 == count { FIN } else { 0 };
                stream.extend(frame(fin | first, &payload[cut[0]..cut[1]]));
                first = CONTINUE;
                if i % 2 == 1 {
                    stream.extend(frame(0x89, b"ping"));
                    if fin == 0 {
                        expected.push(Message::Ping("ping".into()));
                    }
                }
                if fin != 0 {
                    expected.push(message.clone());
                    if i % 2 == 1 {
                        expected.push(Message::Ping("ping".into()));
                    }
                }
            }
        }
        for outcome in [
            decode(&mut decoder(offer, LIMITS), stream.chunks(piece)),
            decode(&mut decoder(offer, LIMITS), iter::once(&stream[..])),
        ] {
            prop_assert_eq!(outcome.code, None);
            prop_assert!(outcome.is_at_rest && outcome.messages == expected);
        }
        let mut in_pieces = decoder(offer, LIMITS);
        in_pieces.give_pieces();
        let outcome = decode(&mut in_pieces, stream.chunks(piece));
        let largest = outcome.messages.iter().map(Message::len).max();
        // No piece is larger than one read, one inflating step, or one frame.
        prop_assert!(largest <= Some(70_000 + 14), "{:?}", largest);
        prop_assert_eq!(outcome.code, None);
        prop_assert!(outcome.is_at_rest && joined(outcome.messages) == expected);
    }
}

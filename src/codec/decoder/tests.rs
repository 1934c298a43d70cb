use std::iter;

use proptest::{collection::vec, prelude::*, sample::Index};
use tungstenite::{Message, protocol::Role};

use super::{super::reference, Decoded, Decoder, Limits};
use crate::{
    codec::reference::{Outcome, decode, frame, header, server_frame},
    deflate::NegotiatedDeflate,
    header::arbitrary::config,
};

const LIMITS: Limits = Limits { max_message_size: 1000, max_frame_size: 600 };

fn plain(limits: Limits) -> Decoder {
    Decoder::new(Role::Server, limits, NegotiatedDeflate::default().inflater())
}

/// Decodes `bytes` in one piece and in single bytes, and checks that the results agree.
fn each_way(bytes: &[u8]) -> Outcome {
    let whole = decode(&mut plain(LIMITS), [bytes]);
    let mut single = decode(&mut plain(LIMITS), bytes.chunks(1));
    // In one piece, a step may take a whole frame before it fails.
    assert!(single.taken <= bytes.len());
    single.taken = whole.taken;
    assert_eq!(single, whole, "{bytes:x?}");
    whole
}

#[test]
fn decoder_is_small() {
    assert!(size_of::<Decoder>() <= 96, "{}", size_of::<Decoder>());
}

/// RFC 6455 §5.7.
#[test]
fn examples_of_rfc_6455_are_decoded() {
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(each_way(&hello).messages, [Message::text("Hello")]);
    let pong = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(each_way(&pong).messages, [Message::Pong("Hello".into())]);
    let fragments = [frame(0x01, b"Hel"), frame(0x89, b"Hello"), frame(0x80, b"lo")].concat();
    assert_eq!(each_way(&fragments).messages, [Message::Ping("Hello".into()), Message::text("Hello")]);
    for len in [256, 600] {
        let binary = vec![7; len];
        assert_eq!(each_way(&frame(0x82, &binary)).messages, [Message::binary(binary)]);
    }
}

#[test]
fn large_binary_message_that_ends_the_input_stays_in_its_buffer() {
    let limits = Limits { max_message_size: 1 << 20, max_frame_size: 1 << 20 };
    for (first, len, more, stays) in [
        (0x82, 8191, 0, false),
        (0x82, 8192, 0, true),
        (0x82, 0xffff, 0, true),
        (0x82, 0x10000, 0, true),
        (0x82, 8192, 1, false),
        (0x82, 0x10000, 1, false),
        (0x81, 0x10000, 0, false),
        // The first fragment of a message.
        (0x02, 0x10000, 0, false),
        // The last one, after an empty one.
        (0x80, 8192, 0, true),
    ] {
        // Miri is slow.
        if cfg!(miri) && (len > 8192 || more > 0) {
            continue;
        }
        let payload: Vec<u8> = (0..len).map(|i| i as u8 & 0x7f).collect();
        for (role, frame) in [(Role::Server, frame as fn(_, &_) -> _), (Role::Client, server_frame)] {
            if cfg!(miri) && role == Role::Client {
                continue;
            }
            let case = format!("{role:?} {first:x} {len} {more}");
            let mut decoder = Decoder::new(role, limits, NegotiatedDeflate::default().inflater());
            if first == 0x80 {
                decode(&mut decoder, [&frame(0x02, &[])[..]]);
            }
            let mut bytes: Vec<u8> = frame(first, &payload);
            bytes.extend(&frame(0x82, &[])[..more]);
            let mut input = &mut bytes[..];
            let decoded = decoder.decode(&mut input).unwrap();
            assert_eq!(input.len(), more);
            match decoded {
                Decoded::Last(size) => {
                    assert!(stays && size == len, "{case}");
                    assert_eq!(bytes[bytes.len() - size..], payload);
                }
                Decoded::Message(message) => {
                    assert!(!stays, "{case}");
                    assert_eq!(message.into_data(), payload);
                }
                _ => assert!(!stays && first == 0x02, "{case}"),
            }
        }
    }
}

/// RFC 6455 §5.2, §5.4 and §5.5: the last byte is the first that violates a rule, and is
/// sufficient.
#[test]
fn header_is_rejected_at_the_first_invalid_byte() {
    let begun = frame(0x01, b"begun");
    let cases: &[(&[u8], &[u8])] = &[
        // Reserved bits, with and without a message to continue.
        (b"", &[0xc1]),
        (b"", &[0xa2]),
        (b"", &[0x91]),
        (b"", &[0xf2]),
        (b"", &[0xc9]),
        (b"", &[0x98]),
        (&begun, &[0xc0]),
        (&begun, &[0x20]),
        (&begun, &[0xa9]),
        // Reserved opcodes.
        (b"", &[0x83]),
        (b"", &[0x07]),
        (b"", &[0x8b]),
        (b"", &[0x8f]),
        (&begun, &[0x83]),
        // Fragmented control frames.
        (b"", &[0x08]),
        (b"", &[0x09]),
        (&begun, &[0x0a]),
        // A continuation without a message, and a new message before the end of another.
        (b"", &[0x80]),
        (b"", &[0x00]),
        (&begun, &[0x81]),
        (&begun, &[0x82]),
        (&begun, &[0x01]),
        // No mask.
        (b"", &[0x81, 0x00]),
        (b"", &[0x82, 0x7f]),
        (b"", &[0x89, 0x05]),
        (&begun, &[0x80, 0x7e]),
        // Control frames that are too long, in either form of the length, regardless of its
        // value.
        (b"", &[0x89, 0xfe]),
        (b"", &[0x8a, 0xff]),
        (b"", &[0x88, 0xfe]),
        (&begun, &[0x89, 0xff]),
        // The most significant bit of a length.
        (b"", &[0x82, 0xff, 0x80]),
        (b"", &[0x81, 0xff, 0xff]),
        (&begun, &[0x80, 0xff, 0x80]),
    ];
    for (before, bytes) in cases {
        let stream = [*before, bytes].concat();
        let (_, held) = stream.split_last().unwrap();
        assert_eq!(decode(&mut plain(LIMITS), [held]).code, None, "{bytes:x?}");
        assert_eq!(each_way(&stream).code, Some(1002), "{bytes:x?}");
        // Further bytes do not change the result.
        let longer = [&stream[..], &[0x7f; 20]].concat();
        assert_eq!(decode(&mut plain(LIMITS), [&longer[..]]).code, Some(1002), "{bytes:x?}");
    }
}

/// RFC 6455 §10.4: before the masking key or the payload has arrived.
#[test]
fn oversized_data_frame_is_rejected_by_its_length() {
    let cases: &[(&[u8], u64, Option<u16>)] = &[
        (b"", 600, None),
        (b"", 601, Some(1009)),
        (b"", 0xffff, Some(1009)),
        (b"", 0x10000, Some(1009)),
        (b"", i64::MAX as u64, Some(1009)),
        (&[b'x'; 600], 400, None),
        (&[b'x'; 600], 401, Some(1009)),
        (&[b'x'; 600], 601, Some(1009)),
        (&[b'x'; 600], i64::MAX as u64, Some(1009)),
    ];
    for (before, len, code) in cases {
        for opcode in [1, 2] {
            let (mut stream, first) = match before {
                [] => (Vec::new(), opcode),
                before => (frame(opcode, before), 0),
            };
            let header = header(first, *len);
            stream.extend(&header[..header.len() - 4]);
            assert_eq!(each_way(&stream).code, *code, "{len} after {}", before.len());
        }
    }
}

/// RFC 6455 §5.5.1 and §7.4.
#[test]
fn close_frames_are_decoded_or_rejected() {
    for (payload, code) in [
        (&b""[..], None),
        (b"\x03\xe8", None),
        (b"\x03\xf6gateway", None),
        (b"\x0f\xa0\xc3\xa9", None),
        (b"\x03", Some(1002)),
        (b"\x03\xed", Some(1002)),
        (b"\x03\xf7", Some(1002)),
        (b"\x00\x00", Some(1002)),
        (b"\x13\x88", Some(1002)),
        (b"\x03\xe8\xff", Some(1007)),
        (b"\x03\xe8\xc3", Some(1007)),
    ] {
        let outcome = each_way(&frame(0x88, payload));
        assert_eq!(outcome.code, code, "{payload:x?}");
        assert_eq!(outcome.messages.len(), usize::from(code.is_none()));
    }
}

/// With any cut and after any other frame. No other frame is mistaken for a Close.
#[test]
fn close_is_detected_before_it_is_decoded() {
    let fragment = frame(0x01, b"fragment");
    for before in [&b""[..], &frame(0x82, b"\x88\x80"), &frame(0x89, b"\x88"), &fragment] {
        for (last, is_close) in [(frame(0x88, b"\x03\xe8bye"), true), (frame(0x8a, b"\x88\x88"), false)] {
            let stream = [before, &last].concat();
            for cut in 0..stream.len() {
                let mut decoder = plain(LIMITS);
                let (first, rest) = stream.split_at(cut);
                decode(&mut decoder, [first]);
                let is_next = cut >= before.len();
                assert_eq!(decoder.is_at_close(rest), is_next && is_close, "{cut} of {stream:x?}");
                assert_eq!(decoder.is_at_close(&[]), cut > before.len() && is_close, "{cut}");
            }
        }
    }
}

/// RFC 6455 §8.1: at the first invalid byte, although the frame and the message continue.
#[test]
fn invalid_text_fails_at_its_first_invalid_byte() {
    for (frames, cut) in [
        (vec![frame(0x81, b"\xce\xba\xe1\xbd\xb9\xf4\x90\x80\x80edited")], 9),
        (vec![frame(0x01, b"\xce\xba\xe1"), frame(0x89, b"ping"), frame(0x80, b"\xff more")], 6),
        (vec![frame(0x01, b"\xe1"), frame(0x00, b"\xbd"), frame(0x00, b""), frame(0x80, b"x more")], 6),
    ] {
        let stream = frames.concat();
        let bad = stream.len() - cut;
        assert_eq!(decode(&mut plain(LIMITS), [&stream[..bad]]).code, None, "{stream:x?}");
        let outcome = decode(&mut plain(LIMITS), stream.chunks(1));
        assert_eq!((outcome.code, outcome.taken), (Some(1007), bad + 1));
        assert_eq!(each_way(&stream).code, Some(1007));
    }
    // The last character is incomplete.
    for stream in [frame(0x81, b"cut \xc3"), [frame(0x01, b"cut \xc3"), frame(0x80, b"")].concat()] {
        assert_eq!(each_way(&stream).code, Some(1007));
    }
}

#[test]
fn step_handles_at_most_one_frame() {
    let stream = [frame(0x02, b""), frame(0x00, b""), frame(0x00, b"x"), frame(0x80, b"")].concat();
    let mut bytes = stream.clone();
    let (mut decoder, mut input) = (plain(LIMITS), &mut bytes[..]);
    let mut steps = Vec::new();
    while !input.is_empty() {
        decoder.decode(&mut input).unwrap();
        steps.push(stream.len() - input.len());
    }
    assert_eq!(steps, [6, 12, 19, 25]);
}

#[test]
fn large_binary_message_is_read_directly_into_its_buffer() {
    let len = if cfg!(miri) { 100_000 } else { 1_000_001 };
    let payload: Vec<_> = (0..len).map(|i| (i * 7) as u8).collect();
    let mut limits = LIMITS;
    (limits.max_message_size, limits.max_frame_size) = (len, len);
    for frames in [
        vec![frame(0x82, &payload)],
        vec![frame(0x02, &payload[..len / 3]), frame(0x80, &payload[len / 3..])],
    ] {
        let mut decoder = plain(limits);
        let stream = frames.concat();
        let (mut at, mut direct, mut message) = (0, 0, None);
        while message.is_none() {
            let mut decoded = None;
            if let Some(mut buffer) = decoder.direct() {
                use bytes::BufMut;
                let piece = buffer.remaining_mut().min(70_001);
                assert!(piece > 0 && buffer.get_ref().capacity() <= (4 * at).max(64 * 1024).min(len));
                buffer.put_slice(&stream[at..at + piece]);
                at += piece;
                direct += piece;
                decoded = Some(decoder.decode_direct().unwrap());
            } else {
                let end = stream.len().min(at + 5000);
                let mut piece = stream[at..end].to_vec();
                let mut input = &mut piece[..];
                at = end;
                while !input.is_empty() {
                    decoded = Some(decoder.decode(&mut input).unwrap());
                }
            }
            if let Some(Decoded::Message(decoded)) = decoded {
                message = Some(decoded);
            }
        }
        assert!(message == Some(Message::binary(payload.clone())));
        assert!(decoder.is_at_rest() && direct > len / 2);
    }
}

#[test]
fn only_large_uncompressed_binary_frames_are_read_directly() {
    let limits = Limits { max_message_size: 1 << 20, max_frame_size: 1 << 20 };
    for (mut bytes, is_direct) in [
        (header(0x82, 8192), true),
        (header(0x02, 8192), true),
        (header(0x82, 8191), false),
        (header(0x81, 1 << 20), false),
        (header(0x89, 125), false),
        (header(0x82, 8192)[..8].to_vec().split_off(1), false),
    ] {
        let mut decoder = plain(limits);
        let mut input = &mut bytes[..];
        if decoder.decode(&mut input).is_ok() {
            assert_eq!(decoder.direct().is_some(), is_direct);
        }
    }
}

/// The frames of a client. Most frames follow the rules.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    frames().prop_map(|frames| frames.iter().flat_map(|(first, payload)| frame(*first, payload)).collect())
}

/// First bytes and payloads. Most of them follow the rules.
fn frames() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let first = prop_oneof![
        20 => prop::sample::select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        6 => "\\PC{0,60}".prop_map(String::into_bytes),
        2 => vec(any::<u8>(), 0..130),
        1 => vec(any::<u8>(), 500..620),
    ];
    vec((first, payload), 0..8)
}

/// RFC 6455 §5.7 and §5.1: a server's frames are not masked.
#[test]
fn client_decodes_frames_of_a_server() {
    let client = || Decoder::new(Role::Client, LIMITS, NegotiatedDeflate::default().inflater());
    for (bytes, expected) in [
        (&b"\x81\x05Hello"[..], vec![Message::text("Hello")]),
        (b"\x8a\x05Hello", vec![Message::Pong("Hello".into())]),
        (b"\x01\x03Hel\x89\x01p\x80\x02lo", vec![Message::Ping("p".into()), Message::text("Hello")]),
        (b"\x81\x00\x88\x00", vec![Message::text(""), Message::Close(None)]),
    ] {
        for size in [1, 2, bytes.len()] {
            let outcome = decode(&mut client(), bytes.chunks(size));
            assert_eq!((outcome.messages, outcome.code), (expected.clone(), None));
            assert!(outcome.is_at_rest);
        }
    }
    for bytes in [&[0x81, 0x80][..], &[0x82, 0xfe], &[0x89, 0x85], &[0x88, 0x80]] {
        for size in [1, 2] {
            assert_eq!(decode(&mut client(), bytes.chunks(size)).code, Some(1002), "{bytes:x?}");
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn client_and_server_decode_the_same_frames_to_the_same_messages(
        frames in frames(),
        size in 1..700_usize,
    ) {
        let limits = Limits { max_message_size: 1000, max_frame_size: 600 };
        let masked = frames.iter().flat_map(|(first, payload)| frame(*first, payload)).collect::<Vec<_>>();
        let plain_frames = frames.iter().flat_map(|(first, payload)| server_frame(*first, payload));
        let unmasked = plain_frames.collect::<Vec<_>>();
        let inflater = || NegotiatedDeflate::default().inflater();
        let mut expected = decode(&mut plain(limits), masked.chunks(size));
        let mut client = Decoder::new(Role::Client, limits, inflater());
        let mut outcome = decode(&mut client, unmasked.chunks(size));
        (expected.taken, outcome.taken) = (0, 0);
        prop_assert_eq!(outcome, expected);
    }

    #[test]
    fn any_cuts_are_decoded_as_by_the_reference(
        stream in stream(),
        end in any::<Index>(),
        cuts in vec(any::<Index>(), 0..6),
    ) {
        let stream = &stream[..stream.len().min(end.index(2 * stream.len() + 1))];
        let expected = reference::read(stream, LIMITS);
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]);
        for mut outcome in [
            decode(&mut plain(LIMITS), pieces),
            decode(&mut plain(LIMITS), iter::once(stream)),
            decode(&mut plain(LIMITS), stream.chunks(1)),
        ] {
            outcome.taken = 0;
            prop_assert_eq!(&outcome, &expected);
        }
    }

    #[test]
    fn memory_of_an_incomplete_message_is_bounded(
        lens in vec(0..70_000_usize, 0..12),
        is_text: bool,
        piece in 1..9000_usize,
    ) {
        let limits = Limits { max_message_size: 100_000, max_frame_size: 70_000 };
        let mut decoder = plain(limits);
        let mut first = if is_text { 1 } else { 2 };
        let mut given = 0;
        for len in lens.into_iter().map(|len| if cfg!(miri) { len / 100 } else { len }) {
            let bytes = frame(std::mem::take(&mut first), &vec![b'x'; len]);
            for piece in bytes.chunks(piece) {
                let mut piece = piece.to_vec();
                let mut input = &mut piece[..];
                given += input.len();
                while !input.is_empty() {
                    if decoder.decode(&mut input).is_err() {
                        return Ok(());
                    }
                }
                let capacity = decoder.message.as_ref().map_or(0, |message| message.capacity());
                prop_assert!(capacity <= limits.max_message_size);
                prop_assert!(capacity <= (4 * given).max(16 * 1024));
            }
        }
    }
}

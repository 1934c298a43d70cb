use proptest::{collection::vec, prelude::*};
use tungstenite::{Message, protocol::Role};

use crate::{
    codec::{
        Decoder, Limits,
        reference::{Outcome, decode, frame, header, joined},
    },
    deflate::NegotiatedDeflate,
    header::arbitrary::config,
};

const LIMITS: Limits = Limits { max_message_size: 1 << 20, max_frame_size: 1 << 20 };

fn whole() -> Decoder {
    Decoder::new(Role::Server, LIMITS, NegotiatedDeflate::default().inflater())
}

fn in_pieces() -> Decoder {
    let mut decoder = whole();
    decoder.give_pieces();
    decoder
}

#[test]
fn message_without_limit_is_returned_in_pieces_as_it_arrives() {
    let mut decoder = in_pieces();
    let outcome = decode(&mut decoder, [&header(0x82, u64::MAX >> 1)[..], b"ab", b"", b"cde"]);
    assert_eq!(outcome.code, None);
    let pieces: Vec<_> = outcome.messages.iter().map(Message::len).collect();
    assert!(pieces.len() == 2 && decoder.assembled() == 0, "{pieces:?}");
    assert!(!decoder.is_at_rest());
}

#[test]
fn small_message_is_returned_whole() {
    for payload in ["", "a", "bc"] {
        let outcome = decode(&mut in_pieces(), [&frame(0x81, payload.as_bytes())[..]]);
        assert_eq!(outcome.messages, [Message::text(payload)]);
    }
}

#[test]
fn data_that_was_assembled_before_is_the_first_piece() {
    for (first, payload) in [(0x02, &b"0123"[..]), (0x01, "aä€".as_bytes())] {
        for cut in 0..=payload.len() {
            let stream = [frame(first, &payload[..cut]), frame(0x80, &payload[cut..])].concat();
            for at in 0..stream.len() {
                let mut decoder = whole();
                let before = decode(&mut decoder, [&stream[..at]]);
                decoder.give_pieces();
                let mut after = decode(&mut decoder, stream[at..].chunks(1));
                let messages = joined([before.messages, after.messages].concat());
                let expected = decode(&mut whole(), [&stream[..]]).messages;
                after.messages = Vec::new();
                assert_eq!(messages, expected, "{cut}, {at}: {after:?}");
            }
        }
    }
}

#[test]
fn invalid_character_is_reported_at_its_position_in_the_message() {
    let stream = [frame(0x01, "aaaä".as_bytes()), frame(0x80, b"bb\xff")].concat();
    for mut decoder in [whole(), in_pieces()] {
        let mut bytes = stream.clone();
        let mut input = &mut bytes[..];
        let error = loop {
            if let Err(error) = decoder.decode(&mut input) {
                break error.to_string();
            }
        };
        assert!(error.contains("byte 7"), "{error}");
    }
}

proptest! {
    #![proptest_config(config())]

    /// Valid and invalid frames in any pieces result in the same messages and codes as whole
    /// messages.
    #[test]
    fn pieces_make_the_same_messages(
        frames in vec(
            (
                prop_oneof![Just(0x81_u8), Just(0x82), Just(0x01), Just(0x02), Just(0x00), Just(0x80), Just(0x89)],
                prop_oneof![
                    4 => "[aä€𝄞]{0,20}".prop_map(String::into_bytes),
                    1 => vec(any::<u8>(), 0..40),
                    1 => (9000..20_000_usize).prop_map(|len| vec![b'x'; len]),
                ],
            ),
            0..8,
        ),
        size in 1..5000_usize,
    ) {
        let control = |first: u8, mut payload: Vec<u8>| {
            payload.truncate(if first == 0x89 { 125 } else { usize::MAX });
            frame(first, &payload)
        };
        let stream: Vec<u8> =
            frames.into_iter().flat_map(|(first, payload)| control(first, payload)).collect();
        let expected = decode(&mut whole(), stream.chunks(size));
        let Outcome { messages, code, is_at_rest, .. } = decode(&mut in_pieces(), stream.chunks(size));
        prop_assert_eq!((code, is_at_rest), (expected.code, expected.is_at_rest));
        let open_is_cut = |message: &Message| matches!(message, Message::Ping(_));
        // If the stream fails or ends inside a message, there are pieces of it, but not the
        // message.
        let (controls, data): (Vec<_>, Vec<_>) = joined(messages).into_iter().partition(open_is_cut);
        let (expected_controls, expected_data): (Vec<_>, Vec<_>) =
            expected.messages.into_iter().partition(open_is_cut);
        prop_assert_eq!((controls, data), (expected_controls, expected_data));
    }
}

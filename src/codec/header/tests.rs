use proptest::{option, prelude::*, sample::Index};
use tungstenite::protocol::{
    Role,
    frame::{
        FrameHeader,
        coding::{Data, OpCode},
    },
};

use super::{Limits, PartialHeader, Rules, first_byte, is_control, len, split_frame, write};
use crate::header::arbitrary::config;

const LIMITS: Limits = Limits { max_message_size: usize::MAX, max_frame_size: usize::MAX };

const RULES: Rules<'_> = Rules {
    role: Role::Server,
    is_message_open: false,
    is_message_compressed: false,
    may_be_compressed: true,
    assembled: 0,
    limits: &LIMITS,
};

#[test]
fn frame_length_uses_shortest_encoding() {
    for (payload, expected) in [
        (0, &[0x82, 0][..]),
        (125, &[0x82, 125]),
        (126, &[0x82, 126, 0, 126]),
        (0xffff, &[0x82, 126, 0xff, 0xff]),
        (0x10000, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let mut output = b"before".to_vec();
        write(&mut output, 0x82, payload, None);
        assert_eq!(output, [b"before", expected].concat());
        assert_eq!(len(payload, false), expected.len());
        let mut masked = Vec::new();
        write(&mut masked, 0x82, payload, Some([1, 2, 3, 4]));
        assert_eq!(masked[1], 0x80 | expected[1]);
        assert_eq!(masked[2..], [&expected[2..], &[1, 2, 3, 4]].concat());
        assert_eq!(len(payload, true), masked.len());
    }
}

#[test]
fn longer_encoding_of_a_length_is_accepted() {
    for bytes in [&[0x82, 0xfe, 0, 5, 1, 2, 3, 4][..], &[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4]] {
        let mut bytes = bytes.to_vec();
        let mut input = &mut bytes[..];
        let (_, payload) = PartialHeader::default().read(&mut input, &RULES).unwrap().unwrap();
        assert_eq!((payload, input.len()), (5, 0));
    }
}

#[test]
fn frames_are_split() {
    let payloads = [0, 1, 125, 126, 300, 0xffff, 0x10000];
    let keys = [None, Some([1, 2, 3, 4])];
    for (payload, key) in payloads.into_iter().flat_map(|payload| keys.map(|key| (payload, key))) {
        let mut frames = Vec::new();
        write(&mut frames, 0x89, payload, key);
        frames.resize(frames.len() + payload, 7);
        let whole = frames.clone();
        frames.extend(b"behind");
        assert_eq!(split_frame(&frames), Some((&whole[..], &b"behind"[..])));
        assert!(is_control(whole[0]));
        assert_eq!(split_frame(&whole[..whole.len() - 1]), None);
    }
    assert!([0x80, 0x01, 0x82, 0xc1].into_iter().all(|first| !is_control(first)));
}

proptest! {
    #![proptest_config(config())]

    /// tungstenite is the reference.
    #[test]
    fn header_may_be_cut_anywhere(
        (is_final, rsv1, is_text) in any::<(bool, bool, bool)>(),
        mask in option::of(any::<[u8; 4]>()),
        bits in 0..63_u32,
        length: u64,
        cut in option::of(any::<Index>()),
    ) {
        let opcode = OpCode::Data(if is_text { Data::Text } else { Data::Binary });
        let header = FrameHeader { is_final, rsv1, rsv2: false, rsv3: false, opcode, mask };
        let length = length & ((1 << bits) - 1);
        let mut bytes = Vec::new();
        header.format(length, &mut bytes).unwrap();
        prop_assert_eq!(first_byte(&header), bytes[0]);
        let whole = bytes.len();
        bytes.extend(b"payload");
        let rules = Rules { role: if mask.is_some() { Role::Server } else { Role::Client }, ..RULES };
        let mut partial = PartialHeader::default();
        let (mut first, mut second) = bytes.split_at_mut(cut.map_or(0, |cut| cut.index(whole)));
        prop_assert_eq!(partial.read(&mut first, &rules).unwrap(), None);
        prop_assert_eq!(partial.read(&mut second, &rules).unwrap(), Some((header, length)));
        prop_assert!(partial.is_empty() && first.is_empty() && second == b"payload");
    }
}

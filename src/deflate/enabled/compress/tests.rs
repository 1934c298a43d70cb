use flate2::{Decompress, FlushDecompress};

use super::{Compressor, TAIL};

/// The inflater of a peer, which keeps its window between messages.
struct Peer(Decompress);

impl Peer {
    fn new(window_bits: u8) -> Self {
        Self(Decompress::new_with_window_bits(false, window_bits))
    }

    fn inflate(&mut self, compressed: &[u8]) -> Vec<u8> {
        let input = [compressed, &TAIL].concat();
        let mut output = Vec::with_capacity(1 << 20);
        let before = self.0.total_in();
        self.0.decompress_vec(&input, &mut output, FlushDecompress::Sync).unwrap();
        assert_eq!(self.0.total_in() - before, input.len() as u64);
        output
    }
}

/// Returns bytes without repetitions.
fn noise(len: usize, mut seed: u64) -> Vec<u8> {
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn text(len: usize) -> Vec<u8> {
    (0..)
        .flat_map(|i| format!("{{\"id\": {i}, \"name\": \"item {}\"}},", i * 7919).into_bytes())
        .take(len)
        .collect()
}

#[test]
fn messages_of_any_size_are_inflated_again() {
    for takeover in [false, true] {
        for level in [1, 2, 6, 9] {
            let mut compressor = Compressor::new(takeover, level, 15);
            let mut peer = Peer::new(15);
            for len in (100..300).chain([1000, 8186, 8192, 16_384, 65_536, 65_537, 500_000]) {
                let message = text(len);
                let compressed = compressor.compress(&message).unwrap();
                assert!(compressed.len() < len);
                if !takeover {
                    peer = Peer::new(15);
                }
                assert!(peer.inflate(&compressed) == message, "{len} bytes, level {level}");
            }
        }
    }
}

#[test]
fn smaller_window_is_respected() {
    for window_bits in 9..=15 {
        for takeover in [false, true] {
            let mut compressor = Compressor::new(takeover, 6, window_bits);
            let mut peer = Peer::new(window_bits);
            for _ in 0..3 {
                let message = text(100_000);
                let compressed = compressor.compress(&message).unwrap();
                assert!(peer.inflate(&compressed) == message, "{window_bits} bits");
            }
        }
    }
}

#[test]
fn incompressible_message_is_not_compressed() {
    for takeover in [false, true] {
        let mut compressor = Compressor::new(takeover, 1, 15);
        for len in [0, 1, 2, 5, 100, 8192, 70_000, 200_000, 70_000] {
            assert_eq!(compressor.compress(&noise(len, 1)), None, "{len} bytes");
        }
        let mut peer = Peer::new(15);
        let message = text(200_000);
        assert!(peer.inflate(&compressor.compress(&message).unwrap()) == message);
    }
}

#[test]
fn later_messages_do_not_refer_to_an_uncompressed_message() {
    let mut compressor = Compressor::new(true, 6, 15);
    let mut peer = Peer::new(15);
    let (known, plain) = (text(2000), noise(2000, 2));
    assert!(peer.inflate(&compressor.compress(&known).unwrap()) == known);
    assert_eq!(compressor.compress(&plain), None);
    for message in [[&plain[..], &plain[..]].concat(), known.clone(), [&known[..], &plain[..]].concat()] {
        assert!(peer.inflate(&compressor.compress(&message).unwrap()) == message);
    }
}

#[test]
fn takeover_shrinks_repeated_messages_and_without_it_each_is_compressed_alone() {
    let message = text(2000);
    let mut compressor = Compressor::new(true, 1, 15);
    let first = compressor.compress(&message).unwrap().len();
    assert!(compressor.compress(&message).unwrap().len() < first / 4);
    let mut compressor = Compressor::new(false, 1, 15);
    let first = compressor.compress(&message).unwrap();
    assert_eq!(compressor.compress(&message).unwrap(), first);
}

/// zlib-rs keeps its unfinished output when it is reset, and continues with it in the next
/// message.
#[test]
fn compressor_is_reusable_after_aborted_message() {
    for takeover in [false, true] {
        for level in [1, 2, 3, 6] {
            let mut compressor = Compressor::new(takeover, level, 15);
            for len in [200, 30_000, 300_000, 4 << 20] {
                assert_eq!(compressor.compress(&noise(len, len as u64)), None);
                let message = text(300_000);
                let compressed = compressor.compress(&message).unwrap();
                assert!(Peer::new(15).inflate(&compressed) == message, "after {len}, level {level}");
                compressor = Compressor::new(takeover, level, 15);
            }
        }
    }
}

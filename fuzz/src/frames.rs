//! Compares the frame decoder with [`reader`], without compression.
//!
//! An input is the [`scene`] (6 bytes and the pieces), and frames: as bytes, or, with the first
//! flag, as descriptions for [`described`].

use tower_websocket::Config;

use crate::{
    input::{Flags, Input},
    reader::{Rules, read},
    runtime,
    scripted::{Ending, Pieces},
    socket::{self, Scene, Way},
    wire::{BINARY, CLOSE, CONTINUE, FIN, PING, PONG, TEXT, Width, client_frame, header},
};

pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let is_described = input.byte() & 1 == 1;
    let (scene, rules) = scene(&mut input);
    let bytes = if is_described { described(input) } else { input.rest().to_vec() };
    let expected = read(&bytes, rules);
    runtime::run(socket::check(scene, &bytes, &expected));
}

/// How the bytes arrive: a byte of flags, one byte each for the limits and the end, and two lists
/// of pieces, each preceded by its length.
pub fn scene(input: &mut Input<'_>) -> (Scene, Rules) {
    let mut flags = Flags::new(input.byte());
    let way = match (flags.bit(), flags.bit()) {
        (false, _) => Way::Alone,
        (true, false) => Way::Driven,
        (true, true) => Way::Split,
    };
    let (echoes, is_eager, cork, breaks) = (flags.bit(), flags.bit(), flags.bit(), flags.bit());
    let limits = input.byte();
    let max_message = [1 << 20, 1, 10, 125, 1000, 70_000, 100, 3 << 20][usize::from(limits & 7)];
    let max_frame = [1 << 20, 1, 10, 125, 1000, 70_000, 100, 3 << 20][usize::from(limits >> 3 & 7)];
    let max_write_buffer = [1 << 20, 1, 100, 70_000][usize::from(limits >> 6)];
    let ending = input.byte();
    let fails_after = breaks.then(|| usize::from(ending >> 2));
    let ending = [Ending::Eof, Ending::Eof, Ending::Reset, Ending::Silence][usize::from(ending & 3)];
    let mut pieces = || {
        let count = input.below(32);
        Pieces::new(input.take(count))
    };
    let (reads, writes) = (pieces(), pieces());
    let config = Config::new()
        .max_message_size(max_message)
        .max_frame_size(max_frame)
        .max_write_buffer_size(max_write_buffer)
        .cork(!cork);
    let scene =
        Scene { config, offer: None, terms: None, way, echoes, is_eager, reads, ending, writes, fails_after };
    (scene, Rules { max_message, max_frame, deflate: None, keeps_inflater: false })
}

/// Returns frames from descriptions: each is a kind, a mask, and a length, followed by the payload
/// if the length is below 200.
fn described(mut input: Input<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !input.is_empty() && bytes.len() < 1 << 20 {
        let kind = input.byte();
        let first = match kind % 16 {
            0 => input.byte(),
            1 | 2 => FIN | TEXT,
            3 | 4 => FIN | BINARY,
            5 | 6 => TEXT,
            7 => BINARY,
            8 | 9 => CONTINUE,
            10..=12 => FIN | CONTINUE,
            13 => FIN | PING,
            14 => FIN | PONG,
            _ => FIN | CLOSE,
        };
        let width = [Width::Shortest, Width::Shortest, Width::Two, Width::Eight][usize::from(kind >> 4 & 3)];
        let mask = match input.byte() {
            255 => None,
            m => Some([m, m.rotate_left(3), !m, 7]),
        };
        let len = input.byte();
        if len == 255 {
            // A header that announces a large payload.
            let len = [0xffff, 0x1_0000, 1 << 20, (1 << 20) + 1, 2 << 20, 1 << 31, 1 << 62, u64::MAX];
            bytes.extend(header(first, len[input.below(8)], mask, width));
            continue;
        }
        bytes.extend(client_frame(first, &payload(len, &mut input), mask, width));
    }
    bytes
}

/// Returns bytes of the input, or generated text or binary data of an interesting length.
pub fn payload(len: u8, input: &mut Input<'_>) -> Vec<u8> {
    if len < 200 {
        return input.take(len.into()).to_vec();
    }
    // Large payloads are rare because they are slow.
    let size = match len {
        200..210 => 125,
        210..220 => 126,
        220..230 => 127,
        230..240 => 1000,
        240..246 => 4096,
        246 => 16_383,
        247 => 16_384,
        248 => 16_385,
        249 => 16_386,
        250 => 65_535,
        251 => 65_536,
        252 => 65_537,
        _ => 140_000,
    };
    let unit = match input.below(4) {
        0 => "é€😀x".as_bytes(),
        1 => b"x",
        2 => &[0xe2, 0x82],
        _ => &[0xff, 0x00, 0x12],
    };
    unit.iter().copied().cycle().take(size).collect()
}

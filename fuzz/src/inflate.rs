//! Compares the decoder of compressed messages with [`reader`], and the encoder with
//! [`output`](crate::output).
//!
//! An input is a byte that selects the negotiated parameters and how frames are made, the
//! [scene](crate::frames::scene), and frames: as bytes, or as messages for [`described`].

use miniz_oxide::{
    DataFormat, MZFlush,
    deflate::{core::CompressorOxide, stream::deflate},
};
use tower_websocket::Deflate;

use crate::{
    frames::{payload, scene},
    inflater::WINDOW,
    input::Input,
    output::Terms,
    reader::{Rules, read},
    runtime, socket,
    wire::{BINARY, CONTINUE, FIN, PING, RSV1, TEXT, Width, client_frame},
};

const OFFERS: [&str; 4] = [
    "permessage-deflate",
    "permessage-deflate; client_no_context_takeover",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
];

pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.byte();
    let (mut scene, rules) = scene(&mut input);
    let offer = usize::from(mode & 3);
    let bits = if mode & 4 == 0 { 15 } else { 10 };
    let client_bits = if mode & 32 == 0 { 15 } else { 10 };
    let deflate = Deflate::new()
        .context_takeover(true)
        .threshold(0)
        .level(if mode & 8 == 0 { 1 } else { 6 })
        .server_max_window_bits(bits)
        .client_max_window_bits(client_bits);
    scene.config = scene.config.deflate(deflate);
    scene.offer = Some(OFFERS[offer]);
    scene.terms = Some(Terms { takeover: offer < 2, window_bits: if offer == 2 { 9 } else { bits } });
    let client_takeover = offer % 2 == 0;
    let history = match offer {
        0 => WINDOW,
        // If it can be requested, only a small window of earlier messages is kept.
        2 => 1 << client_bits,
        _ => 0,
    };
    let rules = Rules { deflate: Some(history), keeps_inflater: offer == 0, ..rules };
    let bytes = if mode & 16 == 0 { described(input, client_takeover) } else { input.rest().to_vec() };
    let expected = read(&bytes, rules);
    runtime::run(socket::check(scene, &bytes, &expected));
}

/// Returns messages from descriptions: how each is compressed, how it is split into frames, how it
/// is corrupted, and its payload.
fn described(mut input: Input<'_>, takeover: bool) -> Vec<u8> {
    let mut compressor = Compressor::new(takeover);
    let mut bytes = Vec::new();
    while !input.is_empty() && bytes.len() < 1 << 20 {
        let kind = input.byte();
        let cuts = input.byte();
        let len = input.byte();
        let payload = payload(len, &mut input);
        let mut first = if kind & 1 == 0 { TEXT } else { BINARY };
        let payload = match kind >> 1 & 7 {
            // A plain message, one that is falsely marked as compressed, and the end of its stream,
            // valid or not.
            0 => payload,
            1 => {
                first |= RSV1;
                payload
            }
            2 => {
                first |= RSV1;
                compressor.last(&payload)
            }
            3 => {
                first |= RSV1;
                let mut stream = compressor.last(&payload);
                stream.pop();
                stream
            }
            4 => {
                first |= RSV1;
                let mut stream = compressor.last(&payload);
                stream.pop();
                stream.extend(compressor.message(&payload));
                stream
            }
            _ => {
                first |= RSV1;
                compressor.message(&payload)
            }
        };
        let payload = spoilt(payload, kind, &mut input);
        frames(first, &payload, cuts, &mut bytes);
    }
    bytes
}

/// With a byte changed, or truncated.
fn spoilt(mut payload: Vec<u8>, kind: u8, input: &mut Input<'_>) -> Vec<u8> {
    match kind >> 4 {
        0 => {
            let at = usize::from(input.word());
            let change = input.byte();
            if let Some(byte) = payload.get_mut(at) {
                *byte ^= change;
            }
        }
        1 => payload.truncate(input.word().into()),
        _ => {}
    }
    payload
}

/// Returns the frames of one message. A quarter of `cuts` selects their number, another their
/// distance, and whether pings are in between.
fn frames(mut first: u8, payload: &[u8], cuts: u8, bytes: &mut Vec<u8>) {
    let mask = Some([cuts, 1, 2, 3]);
    let size = match cuts >> 2 & 15 {
        15 => payload.len() / 2,
        size => usize::from(size),
    };
    let mut rest = payload;
    for _ in 0..cuts & 3 {
        let (part, others) = rest.split_at(size.min(rest.len()));
        bytes.extend(client_frame(first, part, mask, Width::Shortest));
        if cuts & 64 != 0 {
            bytes.extend(client_frame(FIN | PING, &[part.len() as u8], mask, Width::Shortest));
        }
        (first, rest) = (CONTINUE, others);
    }
    bytes.extend(client_frame(FIN | first, rest, mask, Width::Shortest));
}

/// A client's compressor, independent of flate2. It is created on first use.
struct Compressor {
    inner: Option<Box<CompressorOxide>>,
    takeover: bool,
}

impl Compressor {
    fn new(takeover: bool) -> Self {
        Self { inner: None, takeover }
    }

    fn message(&mut self, message: &[u8]) -> Vec<u8> {
        let mut output = self.compress(message, MZFlush::Sync);
        if output.ends_with(&[0, 0, 0xff, 0xff]) {
            output.truncate(output.len() - 4);
        }
        if output.is_empty() { vec![0] } else { output }
    }

    fn last(&mut self, message: &[u8]) -> Vec<u8> {
        let mut output = self.compress(message, MZFlush::Finish);
        self.inner = None;
        output.push(0);
        output
    }

    fn compress(&mut self, message: &[u8], flush: MZFlush) -> Vec<u8> {
        if !self.takeover {
            self.inner = None;
        }
        let inner = self.inner.get_or_insert_with(|| {
            let mut inner = Box::<CompressorOxide>::default();
            inner.set_format_and_level(DataFormat::Raw, 6);
            inner
        });
        let mut output = vec![0; 2 * message.len() + 1000];
        let result = deflate(inner, message, &mut output, flush);
        assert_eq!(result.bytes_consumed, message.len());
        output.truncate(result.bytes_written);
        output
    }
}

//! DEFLATE (RFC 1951), bit by bit, written from the RFC. It is slow and simple, and shares no code
//! with any zlib.
//!
//! Where the RFC is ambiguous, it is as strict as zlib: codes must be complete, except a code with
//! a single symbol, and an absent distance code. There are at most 286 and 30 symbols, and the end
//! of a block has a code.

/// The input is not valid DEFLATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bad;

/// A stream, in any pieces.
#[derive(Debug)]
pub struct Inflater {
    input: Vec<u8>,
    /// How many bits of `input` are consumed.
    bit: usize,
    history: Vec<u8>,
    state: State,
    max_distance: usize,
}

/// The largest distance of back references (RFC 1951 §2).
pub const WINDOW: usize = 32 * 1024;

#[expect(clippy::large_enum_variant, reason = "there is one")]
#[derive(Debug)]
enum State {
    /// Between two blocks.
    Block,
    Stored {
        rest: usize,
        is_last: bool,
    },
    Coded {
        literals: Code,
        distances: Code,
        is_last: bool,
    },
}

/// Why a step was not made.
enum Stop {
    /// The input is too short.
    Short,
    Bad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Done,
    /// The last block has ended.
    Ended,
}

impl Inflater {
    /// Returns an inflater for streams with back references of up to `max_distance` bytes.
    pub fn new(max_distance: usize) -> Self {
        Self { input: Vec::new(), bit: 0, history: Vec::new(), state: State::Block, max_distance }
    }

    /// Begins another stream, in any state of the last one. It may refer back to `history` bytes of
    /// earlier output.
    pub fn restart(&mut self, history: usize) {
        self.input.clear();
        self.bit = 0;
        self.history.drain(..self.history.len().saturating_sub(history));
        self.state = State::Block;
    }

    /// Inflates all of `input` into `output`, up to `limit` bytes. Returns whether the stream has
    /// ended with the last byte. After an end, another stream begins.
    pub fn feed(&mut self, input: &[u8], output: &mut Vec<u8>, limit: usize) -> Result<bool, Bad> {
        self.input.extend_from_slice(input);
        let mut has_ended = false;
        while output.len() <= limit && !(self.is_at_rest() && self.input.is_empty()) {
            let start = self.bit;
            let step = match self.state {
                State::Block => self.block(),
                State::Stored { .. } => self.stored(output),
                State::Coded { .. } => self.symbol(output),
            };
            match step {
                Ok(Step::Done) => has_ended = false,
                Ok(Step::Ended) => {
                    self.bit = self.bit.next_multiple_of(8);
                    self.history.clear();
                    self.state = State::Block;
                    has_ended = true;
                }
                Err(Stop::Short) => {
                    self.bit = start;
                    break;
                }
                Err(Stop::Bad) => return Err(Bad),
            }
            if self.bit / 8 == self.input.len() && matches!(self.state, State::Block) && has_ended {
                break;
            }
        }
        let done = self.bit / 8;
        let is_all = done == self.input.len();
        self.input.drain(..done);
        self.bit %= 8;
        Ok(has_ended && is_all)
    }

    /// Returns whether the last block was complete, and ended with a byte.
    pub fn is_at_rest(&self) -> bool {
        matches!(self.state, State::Block) && self.bit == 8 * self.input.len()
    }

    fn bits(&mut self, n: usize) -> Result<usize, Stop> {
        let mut value = 0;
        for i in 0..n {
            let byte = *self.input.get(self.bit / 8).ok_or(Stop::Short)?;
            value |= usize::from(byte >> (self.bit % 8) & 1) << i;
            self.bit += 1;
        }
        Ok(value)
    }

    fn put(&mut self, byte: u8, output: &mut Vec<u8>) {
        output.push(byte);
        if self.history.len() == 2 * WINDOW {
            self.history.drain(..WINDOW);
        }
        self.history.push(byte);
    }

    fn block(&mut self) -> Result<Step, Stop> {
        let header = self.bits(3)?;
        let is_last = header & 1 == 1;
        self.state = match header >> 1 {
            0 => {
                let start = self.bit.next_multiple_of(8);
                if start > 8 * self.input.len() {
                    return Err(Stop::Short);
                }
                self.bit = start;
                let (len, complement) = (self.bits(16)?, self.bits(16)?);
                if len != !complement & 0xffff {
                    return Err(Stop::Bad);
                }
                State::Stored { rest: len, is_last }
            }
            1 => {
                let literals: Vec<u8> = [(8, 144), (9, 112), (7, 24), (8, 8)]
                    .iter()
                    .flat_map(|(len, count)| std::iter::repeat_n(*len, *count))
                    .collect();
                let (literals, distances) = (Code::new(&literals), Code::new(&[5; 32]));
                State::Coded { literals, distances, is_last }
            }
            2 => {
                let (literals, distances) = self.codes()?;
                State::Coded { literals, distances, is_last }
            }
            _ => return Err(Stop::Bad),
        };
        Ok(Step::Done)
    }

    /// Reads the codes of a block with dynamic codes (RFC 1951 §3.2.7).
    fn codes(&mut self) -> Result<(Code, Code), Stop> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let (literals, distances, lengths) = (self.bits(5)? + 257, self.bits(5)? + 1, self.bits(4)? + 4);
        if literals > 286 || distances > 30 {
            return Err(Stop::Bad);
        }
        let mut of_lengths = [0; 19];
        for place in &ORDER[..lengths] {
            of_lengths[*place] = self.bits(3)? as u8;
        }
        let code = Code::new(&of_lengths);
        if !code.is_complete() && !code.is_empty() {
            return Err(Stop::Bad);
        }
        let mut all = Vec::new();
        while all.len() < literals + distances {
            // Without a code, each bit means the length 0, and then the end of the block has no
            // code.
            let symbol = if code.is_empty() { self.bits(1).map(|_| 0)? } else { code.decode(self)? };
            let (value, count) = match symbol {
                16 => {
                    let count = 3 + self.bits(2)?;
                    (*all.last().ok_or(Stop::Bad)?, count)
                }
                17 => (0, 3 + self.bits(3)?),
                18 => (0, 11 + self.bits(7)?),
                length => (length as u8, 1),
            };
            if all.len() + count > literals + distances {
                return Err(Stop::Bad);
            }
            all.extend(std::iter::repeat_n(value, count));
        }
        if all[256] == 0 {
            return Err(Stop::Bad);
        }
        let (of_literals, of_distances) = all.split_at(literals);
        let (literals, distances) = (Code::new(of_literals), Code::new(of_distances));
        let literals_are_good = literals.is_complete() || literals.is_single();
        let distances_are_good = distances.is_complete() || distances.is_single() || distances.is_empty();
        if literals_are_good && distances_are_good { Ok((literals, distances)) } else { Err(Stop::Bad) }
    }

    fn stored(&mut self, output: &mut Vec<u8>) -> Result<Step, Stop> {
        let State::Stored { rest, is_last } = self.state else { unreachable!() };
        if rest > 0 {
            let byte = self.bits(8)? as u8;
            self.put(byte, output);
            self.state = State::Stored { rest: rest - 1, is_last };
            return Ok(Step::Done);
        }
        self.state = State::Block;
        Ok(if is_last { Step::Ended } else { Step::Done })
    }

    fn symbol(&mut self, output: &mut Vec<u8>) -> Result<Step, Stop> {
        const LENGTHS: [(usize, usize); 29] = [
            (3, 0),
            (4, 0),
            (5, 0),
            (6, 0),
            (7, 0),
            (8, 0),
            (9, 0),
            (10, 0),
            (11, 1),
            (13, 1),
            (15, 1),
            (17, 1),
            (19, 2),
            (23, 2),
            (27, 2),
            (31, 2),
            (35, 3),
            (43, 3),
            (51, 3),
            (59, 3),
            (67, 4),
            (83, 4),
            (99, 4),
            (115, 4),
            (131, 5),
            (163, 5),
            (195, 5),
            (227, 5),
            (258, 0),
        ];
        const DISTANCES: [(usize, usize); 30] = [
            (1, 0),
            (2, 0),
            (3, 0),
            (4, 0),
            (5, 1),
            (7, 1),
            (9, 2),
            (13, 2),
            (17, 3),
            (25, 3),
            (33, 4),
            (49, 4),
            (65, 5),
            (97, 5),
            (129, 6),
            (193, 6),
            (257, 7),
            (385, 7),
            (513, 8),
            (769, 8),
            (1025, 9),
            (1537, 9),
            (2049, 10),
            (3073, 10),
            (4097, 11),
            (6145, 11),
            (8193, 12),
            (12289, 12),
            (16385, 13),
            (24577, 13),
        ];
        let state = std::mem::replace(&mut self.state, State::Block);
        let State::Coded { literals, distances, is_last } = &state else { unreachable!() };
        let step = (|| {
            let (base, extra) = match literals.decode(self)? {
                byte @ 0..256 => {
                    self.put(byte as u8, output);
                    return Ok(Step::Done);
                }
                256 => return Ok(Step::Ended),
                length => *LENGTHS.get(length - 257).ok_or(Stop::Bad)?,
            };
            let length = base + self.bits(extra)?;
            let (base, extra) = *DISTANCES.get(distances.decode(self)?).ok_or(Stop::Bad)?;
            let distance = base + self.bits(extra)?;
            if distance > self.history.len() || distance > self.max_distance {
                return Err(Stop::Bad);
            }
            for _ in 0..length {
                self.put(self.history[self.history.len() - distance], output);
            }
            Ok(Step::Done)
        })();
        match step {
            Ok(Step::Ended) => return Ok(if *is_last { Step::Ended } else { Step::Done }),
            _ => self.state = state,
        }
        step
    }
}

/// A canonical Huffman code (RFC 1951 §3.2.2).
#[derive(Debug)]
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
    /// How many codes of 15 bits are unused. Negative if there are too many.
    left: isize,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        for length in lengths.iter().filter(|length| **length > 0) {
            counts[usize::from(*length)] += 1;
        }
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|symbol| lengths[*symbol] > 0).collect();
        symbols.sort_by_key(|symbol| lengths[*symbol]);
        let mut left = 1_isize;
        for count in &counts[1..] {
            left = 2 * left - *count as isize;
            if left < 0 {
                break;
            }
        }
        Self { counts, symbols, left }
    }

    fn is_complete(&self) -> bool {
        self.left == 0
    }

    fn is_single(&self) -> bool {
        self.symbols.len() == 1 && self.counts[1] == 1
    }

    fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    fn decode(&self, inflater: &mut Inflater) -> Result<usize, Stop> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= inflater.bits(1)?;
            if code < first + count {
                return Ok(self.symbols[index + code - first]);
            }
            if !self.is_complete() {
                // The unused code of one bit.
                return Err(Stop::Bad);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Stop::Bad)
    }
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::compress_to_vec;

    use super::{Bad, Inflater};

    fn text(len: usize) -> Vec<u8> {
        (0_u32..).flat_map(|i| format!("{{\"id\": {}}},", i * i % 977).into_bytes()).take(len).collect()
    }

    #[test]
    fn output_of_another_compressor_is_inflated_in_any_pieces() {
        for len in [0, 1, 100, 5000, 200_000] {
            for level in [0, 1, 6, 9] {
                let compressed = compress_to_vec(&text(len), level);
                for piece in [1, 7, usize::MAX] {
                    let (mut inflater, mut output, mut ended) = (Inflater::new(1 << 15), Vec::new(), false);
                    for piece in compressed.chunks(piece.min(compressed.len())) {
                        assert!(!ended);
                        ended = inflater.feed(piece, &mut output, usize::MAX).unwrap();
                    }
                    assert!(ended && output == text(len), "{len} bytes, level {level}");
                }
            }
        }
    }

    #[test]
    fn examples_of_rfc_7692() {
        let mut inflater = Inflater::new(1 << 15);
        for payload in [&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], &[0xf2, 0x00, 0x11, 0x00, 0x00]] {
            let mut output = Vec::new();
            inflater.feed(payload, &mut output, 100).unwrap();
            assert!(!inflater.feed(&[0, 0, 0xff, 0xff], &mut output, 100).unwrap());
            assert!(inflater.is_at_rest());
            assert_eq!(output, b"Hello");
        }
    }

    #[test]
    fn malformed_streams_are_rejected() {
        for bad in [&[0x06][..], &[0, 5, 0, 0, 0], &[0xf2, 0, 0x11, 0, 0], &[0xff; 10]] {
            assert_eq!(Inflater::new(1 << 15).feed(bad, &mut Vec::new(), 100), Err(Bad), "{bad:x?}");
        }
    }
}

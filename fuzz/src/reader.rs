//! The reference for how a server decodes a client's bytes (RFC 6455 §5 and §8.1, RFC 7692 §7.2.2),
//! all of them at once.

use crate::{
    inflater::{Inflater, WINDOW},
    output::may_be_sent,
    wire::{BINARY, CLOSE, CONTINUE, FIN, PING, PONG, RSV1, TEXT},
};

/// A message as the application sees it.
#[derive(Clone, PartialEq, Eq)]
pub enum Seen {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// The code is 0 for a Close without one.
    Close(u16, Vec<u8>),
}

#[expect(clippy::len_without_is_empty, reason = "not needed")]
impl Seen {
    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(bytes)
            | Self::Binary(bytes)
            | Self::Ping(bytes)
            | Self::Pong(bytes)
            | Self::Close(_, bytes) => bytes.len(),
        }
    }
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, bytes) = match self {
            Self::Text(bytes) => ("Text", bytes),
            Self::Binary(bytes) => ("Binary", bytes),
            Self::Ping(bytes) => ("Ping", bytes),
            Self::Pong(bytes) => ("Pong", bytes),
            Self::Close(code, reason) => return write!(f, "Close({code}, {})", reason.escape_ascii()),
        };
        write!(f, "{name}({} bytes: {})", bytes.len(), bytes[..bytes.len().min(40)].escape_ascii())
    }
}

/// The negotiated parameters and the limits.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub max_message: usize,
    pub max_frame: usize,
    /// With compression: how many bytes of its last messages the client may refer to, 0 without
    /// context takeover.
    pub deflate: Option<usize>,
    /// Both sides have context takeover, so the connection keeps its inflater. A message then goes
    /// on where the one before ended, even if that was within a block, as in every zlib.
    pub keeps_inflater: bool,
}

/// How the bytes end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With the client's Close.
    Closed,
    /// With the end of the bytes.
    Cut,
    /// With one of these close codes, at the first byte that violates a rule, regardless of the
    /// bytes after it. If data inflated in one step violates more than one rule, there is more than
    /// one code.
    Failed(Vec<u16>),
}

/// The contents of a client's bytes.
#[derive(Clone, Debug)]
pub struct Expected {
    pub seen: Vec<Seen>,
    pub end: End,
}

pub fn read(bytes: &[u8], rules: Rules) -> Expected {
    let mut reader =
        Reader { rules, rest: bytes, seen: Vec::new(), open: None, inflater: Inflater::new(WINDOW) };
    loop {
        if let Err(end) = reader.frame() {
            return Expected { seen: reader.seen, end };
        }
    }
}

struct Reader<'a> {
    rules: Rules,
    rest: &'a [u8],
    seen: Vec<Seen>,
    open: Option<Open>,
    inflater: Inflater,
}

/// A message without its last frame.
struct Open {
    is_text: bool,
    is_compressed: bool,
    has_payload: bool,
    /// The compressed stream has ended.
    has_ended: bool,
    payload: Vec<u8>,
}

struct Header {
    first: u8,
    len: u64,
    mask: [u8; 4],
}

/// Fails with this close code.
fn failed<T>(code: u16) -> Result<T, End> {
    Err(End::Failed(vec![code]))
}

/// Fails unless a rule is kept.
fn require(is_kept: bool, code: u16) -> Result<(), End> {
    if is_kept { Ok(()) } else { failed(code) }
}

/// Returns the largest compressed form of `len` bytes.
fn compressed(len: u64) -> u64 {
    len.saturating_add(len / 8 + len / 64 + 16)
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], End> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(End::Cut)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Reads one frame.
    fn frame(&mut self) -> Result<(), End> {
        let Header { first, len, mask } = self.header()?;
        let (opcode, is_final) = (first & 0x0f, first & FIN != 0);
        let there = usize::try_from(len).unwrap_or(usize::MAX).min(self.rest.len());
        let is_whole = there as u64 == len;
        let payload: Vec<u8> =
            self.rest[..there].iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]).collect();
        self.rest = &self.rest[there..];
        if opcode & 8 != 0 {
            return if is_whole { self.control(opcode, payload) } else { Err(End::Cut) };
        }
        if opcode != CONTINUE {
            let is_compressed = first & RSV1 != 0;
            if let (true, Some(history)) = (is_compressed, self.rules.deflate) {
                // Begins a stream for each message, in any state of the one before.
                if !self.rules.keeps_inflater {
                    self.inflater.restart(history);
                }
            }
            self.open = Some(Open {
                is_text: opcode == TEXT,
                is_compressed,
                has_payload: false,
                has_ended: false,
                payload: Vec::new(),
            });
        }
        let open = self.open.as_mut().ok_or(End::Failed(vec![1002]))?;
        if open.is_compressed {
            self.inflate(&payload, len, is_final && is_whole)?;
        } else {
            open.payload.extend_from_slice(&payload);
        }
        self.check_text(is_final && is_whole)?;
        if !is_whole {
            return Err(End::Cut);
        }
        if is_final {
            self.seen.extend(self.open.take().map(|open| {
                if open.is_text { Seen::Text(open.payload) } else { Seen::Binary(open.payload) }
            }));
        }
        Ok(())
    }

    /// RFC 6455 §5.2, §5.4 and §5.5. Each violation is detected as soon as its bytes have arrived.
    fn header(&mut self) -> Result<Header, End> {
        let [first] = self.take()?;
        let (opcode, is_final, rsv) = (first & 0x0f, first & FIN != 0, first & 0x70);
        let is_data = matches!(opcode, TEXT | BINARY);
        let is_control = matches!(opcode, CLOSE | PING | PONG);
        require(is_data || is_control || opcode == CONTINUE, 1002)?;
        let may_be_compressed = is_data && self.rules.deflate.is_some();
        require(rsv == 0 || rsv == RSV1 && may_be_compressed, 1002)?;
        require(is_final || !is_control, 1002)?;
        require(is_control || is_data == self.open.is_none(), 1002)?;

        let [second] = self.take()?;
        require(second & 0x80 != 0, 1002)?;
        let short = second & 0x7f;
        require(short < 126 || !is_control, 1002)?;
        let len = match short {
            126 => u16::from_be_bytes(self.take()?).into(),
            127 => {
                require(self.rest.first().is_none_or(|byte| byte & 0x80 == 0), 1002)?;
                u64::from_be_bytes(self.take()?)
            }
            len => len.into(),
        };
        if !is_control {
            let is_compressed = rsv == RSV1
                || opcode == CONTINUE && self.open.as_ref().is_some_and(|open| open.is_compressed);
            let (max_frame, max_message) = (self.rules.max_frame as u64, self.rules.max_message as u64);
            let so_far = self.open.as_ref().map_or(0, |open| open.payload.len() as u64);
            let fits = if is_compressed {
                // The limits apply to the inflated data. A frame may be larger by the overhead of
                // compression.
                len <= compressed(max_frame.min(max_message))
            } else {
                len <= max_frame && so_far.saturating_add(len) <= max_message
            };
            require(fits, 1009)?;
        }
        Ok(Header { first, len, mask: self.take()? })
    }

    fn control(&mut self, opcode: u8, payload: Vec<u8>) -> Result<(), End> {
        match opcode {
            PING => self.seen.push(Seen::Ping(payload)),
            PONG => self.seen.push(Seen::Pong(payload)),
            _ => {
                let (code, reason) = match payload.split_first_chunk() {
                    Some((code, reason)) => (u16::from_be_bytes(*code), reason),
                    None if payload.is_empty() => {
                        self.seen.push(Seen::Close(0, Vec::new()));
                        return Err(End::Closed);
                    }
                    None => return failed(1002),
                };
                require(may_be_sent(code), 1002)?;
                require(std::str::from_utf8(reason).is_ok(), 1007)?;
                self.seen.push(Seen::Close(code, reason.to_vec()));
                return Err(End::Closed);
            }
        }
        Ok(())
    }

    /// Inflates the available part of a frame of `len` bytes.
    fn inflate(&mut self, payload: &[u8], len: u64, is_end: bool) -> Result<(), End> {
        let open = self.open.as_mut().ok_or(End::Cut)?;
        open.has_payload |= !payload.is_empty();
        let mut limit = self.rules.max_message;
        if len > self.rules.max_frame as u64 {
            // It is only as large as compression made it.
            limit = limit.min(open.payload.len() + self.rules.max_frame);
        }
        let tail: &[u8] = &[0, 0, 0xff, 0xff];
        let mut codes = Vec::new();
        for (is_tail, bytes) in [(false, payload), (true, tail)] {
            let is_used =
                if is_tail { is_end && open.has_payload && !open.has_ended } else { !bytes.is_empty() };
            if is_used && codes.is_empty() {
                // An error directly after the limit may be detected first.
                match self.inflater.feed(bytes, &mut open.payload, limit + 1) {
                    Ok(has_ended) => open.has_ended = has_ended,
                    Err(_) => codes.push(1007),
                }
            }
        }
        if open.payload.len() > limit {
            codes.push(1009);
            if open.is_text && is_bad_text(&open.payload, false) {
                codes.push(1007);
            }
        }
        if codes.is_empty() { Ok(()) } else { Err(End::Failed(codes)) }
    }

    /// RFC 6455 §8.1. A text is invalid as soon as a byte cannot follow those before it.
    fn check_text(&self, is_end: bool) -> Result<(), End> {
        let is_bad = |open: &Open| open.is_text && is_bad_text(&open.payload, is_end);
        require(!self.open.as_ref().is_some_and(is_bad), 1007)
    }
}

/// Returns whether no valid text begins with these bytes, or, at its end, consists of them.
fn is_bad_text(bytes: &[u8], is_end: bool) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| is_end || error.error_len().is_some())
}

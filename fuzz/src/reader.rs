//! What a server has to make of a client's bytes (RFC 6455 §5 and §8.1, RFC 7692 §7.2.2), all of them at once.

use crate::{
    inflater::Inflater,
    wire::{BINARY, CLOSE, CONTINUE, FIN, PING, PONG, RSV1, TEXT},
};

/// A message as a program sees it.
#[derive(Clone, PartialEq, Eq)]
pub enum Seen {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// With the code 0 where there is none.
    Close(u16, Vec<u8>),
}

#[expect(clippy::len_without_is_empty, reason = "nobody asks")]
impl Seen {
    /// How many bytes it has.
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

/// What is agreed on, and allowed.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub max_message: usize,
    pub max_frame: usize,
    /// Where there is compression: whether the client's context is taken over.
    pub deflate: Option<bool>,
}

/// How it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By the client's Close.
    Closed,
    /// With the end of the bytes.
    Cut,
    /// With one of these close codes: more than one rule is broken at once. Or, where the last frame is not all there, with
    /// the end of the bytes if that is seen first.
    Failed { codes: Vec<u16>, or_cut: bool },
}

/// What there is in a client's bytes.
#[derive(Clone, Debug)]
pub struct Expected {
    pub seen: Vec<Seen>,
    pub end: End,
    /// How many bytes come after the client's Close.
    pub after: usize,
}

pub fn read(bytes: &[u8], rules: Rules) -> Expected {
    let mut reader = Reader { rules, rest: bytes, seen: Vec::new(), open: None, inflater: fresh() };
    let end = loop {
        if let Some(end) = reader.frame() {
            break end;
        }
    };
    Expected { seen: reader.seen, end, after: reader.rest.len() }
}

struct Reader<'a> {
    rules: Rules,
    rest: &'a [u8],
    seen: Vec<Seen>,
    open: Option<Open>,
    inflater: Inflater,
}

/// A message of which the last frame is still to come.
struct Open {
    is_text: bool,
    is_compressed: bool,
    has_payload: bool,
    /// The compressed stream has come to its end.
    has_ended: bool,
    payload: Vec<u8>,
}

struct Header {
    first: u8,
    mask: Option<[u8; 4]>,
    len: u64,
    size: usize,
}

fn fresh() -> Inflater {
    Inflater::new(1 << 15)
}

fn header(bytes: &[u8]) -> Option<Header> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (len, size) = match second & 0x7f {
        126 => (u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into(), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
        len => (len.into(), 2),
    };
    if second & 0x80 == 0 {
        return Some(Header { first, mask: None, len, size });
    }
    let mask = bytes.get(size..size + 4)?.try_into().ok()?;
    Some(Header { first, mask: Some(mask), len, size: size + 4 })
}

impl Reader<'_> {
    /// Reads one frame; how it ends, if it does.
    fn frame(&mut self) -> Option<End> {
        let Some(header) = header(self.rest) else { return Some(End::Cut) };
        let Header { first, mask, len, size } = header;
        let (opcode, is_final, rsv) = (first & 0x0f, first & FIN != 0, first & 0x70);

        // What is known to be wrong from the header on.
        let mut codes = Vec::new();
        let is_reserved = !matches!(opcode, CONTINUE | TEXT | BINARY | CLOSE | PING | PONG);
        if is_reserved {
            codes.push(1002);
        }
        let is_too_large = len > self.rules.max_frame as u64;
        if is_too_large {
            codes.push(1009);
        }
        let is_control = opcode & 8 != 0;
        let may_be_compressed = self.rules.deflate.is_some() && matches!(opcode, TEXT | BINARY);
        let is_wrong = (rsv & RSV1 != 0 && !may_be_compressed)
            || rsv & !RSV1 != 0
            || mask.is_none()
            || is_control && (!is_final || len > 125)
            || opcode == CONTINUE && self.open.is_none()
            || matches!(opcode, TEXT | BINARY) && self.open.is_some();
        if is_wrong {
            codes.push(1002);
        }
        let there = usize::try_from(len).unwrap_or(usize::MAX).min(self.rest.len() - size);
        let is_whole = there as u64 == len;
        if !codes.is_empty() {
            let so_far = self.open.as_ref().map_or(0, |open| open.payload.len());
            if !is_control && so_far as u64 + len.min(1 << 40) > self.rules.max_message as u64 {
                codes.push(1009);
            }
            return Some(End::Failed { codes, or_cut: !is_whole && !is_reserved && !is_too_large });
        }
        let mask = mask.unwrap_or_default();
        let payload: Vec<u8> =
            self.rest[size..size + there].iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]).collect();
        self.rest = &self.rest[size + there..];
        if is_control {
            return if is_whole { self.control(opcode, payload) } else { Some(End::Cut) };
        }
        let open = self.open.get_or_insert_with(|| Open {
            is_text: opcode == TEXT,
            is_compressed: rsv & RSV1 != 0,
            has_payload: false,
            has_ended: false,
            payload: Vec::new(),
        });
        if open.is_compressed {
            open.has_payload |= len > 0;
            self.compressed(&payload, is_final, is_whole)
        } else {
            open.payload.extend_from_slice(&payload);
            self.plain(len, is_final, is_whole)
        }
    }

    fn control(&mut self, opcode: u8, payload: Vec<u8>) -> Option<End> {
        match opcode {
            PING => self.seen.push(Seen::Ping(payload)),
            PONG => self.seen.push(Seen::Pong(payload)),
            _ => match payload.split_first_chunk() {
                None if payload.is_empty() => {
                    self.seen.push(Seen::Close(0, Vec::new()));
                    return Some(End::Closed);
                }
                None => return Some(End::Failed { codes: vec![1002], or_cut: false }),
                Some((code, reason)) => {
                    if std::str::from_utf8(reason).is_err() {
                        return Some(End::Failed { codes: vec![1002, 1007], or_cut: false });
                    }
                    let code = u16::from_be_bytes(*code);
                    self.seen.push(Seen::Close(code, reason.to_vec()));
                    return Some(End::Closed);
                }
            },
        }
        None
    }

    fn plain(&mut self, len: u64, is_final: bool, is_whole: bool) -> Option<End> {
        let open = self.open.as_ref()?;
        let mut codes = Vec::new();
        if open.payload.len() > self.rules.max_message {
            codes.push(1009);
        }
        if open.is_text && is_bad_text(&open.payload, is_final && is_whole) {
            codes.push(1007);
        }
        match (is_whole, codes.is_empty()) {
            (true, true) => self.end_message(is_final),
            (true, false) => Some(End::Failed { codes, or_cut: false }),
            (false, true) => Some(End::Cut),
            // Text is checked as it comes. Other frames are looked at once they are whole, unless they are large.
            (false, false) if open.is_text => Some(End::Failed { codes, or_cut: false }),
            (false, false) if len > 1 << 20 => Some(End::Failed { codes, or_cut: true }),
            (false, false) => Some(End::Cut),
        }
    }

    fn compressed(&mut self, payload: &[u8], is_final: bool, is_whole: bool) -> Option<End> {
        let open = self.open.as_mut()?;
        // A little more than is allowed: what is wrong there may be seen first.
        let limit = self.rules.max_message.saturating_add(40 * 1024);
        let mut codes = Vec::new();
        let mut feed =
            |bytes: &[u8], open: &mut Open| match self.inflater.feed(bytes, &mut open.payload, limit) {
                Ok(has_ended) => open.has_ended = has_ended,
                Err(_) => codes.push(1007),
            };
        if !payload.is_empty() {
            feed(payload, open);
        }
        if is_final && is_whole && open.has_payload && !open.has_ended {
            feed(&[0, 0, 0xff, 0xff], open);
        }
        if open.payload.len() > self.rules.max_message {
            codes.push(1009);
        }
        if open.is_text && is_bad_text(&open.payload, is_final && is_whole) {
            codes.push(1007);
        }
        match (is_whole, codes.is_empty()) {
            (true, true) => self.end_message(is_final),
            (true, false) => Some(End::Failed { codes, or_cut: false }),
            (false, true) => Some(End::Cut),
            (false, false) => Some(End::Failed { codes, or_cut: true }),
        }
    }

    fn end_message(&mut self, is_final: bool) -> Option<End> {
        if is_final {
            let open = self.open.take()?;
            if open.is_compressed && self.rules.deflate == Some(false) {
                self.inflater = fresh();
            }
            let seen = if open.is_text { Seen::Text } else { Seen::Binary };
            self.seen.push(seen(open.payload));
        }
        None
    }
}

/// Whether no text begins like this, or, at its end, is this.
fn is_bad_text(bytes: &[u8], is_end: bool) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| is_end || error.error_len().is_some())
}

//! Counting answers without checking them.

/// Counts whole messages in a stream of bytes.
#[derive(Clone, Debug)]
pub(crate) struct Replies(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// The client's own frames, as they were sent.
    Raw {
        length: usize,
        partial: usize,
    },
    Frames(Frames),
}

impl Replies {
    pub(crate) fn raw(length: usize) -> Self {
        Self(Kind::Raw { length, partial: 0 })
    }

    pub(crate) fn frames() -> Self {
        Self(Kind::Frames(Frames { head: [0; 10], have: 0, payload: 0, closed: false }))
    }

    /// Returns the number of messages that end within `bytes`.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> usize {
        match &mut self.0 {
            Kind::Raw { length, partial } => {
                let total = *partial + bytes.len();
                *partial = total % *length;
                total / *length
            }
            Kind::Frames(frames) => frames.feed(bytes),
        }
    }

    /// Returns whether a Close frame has arrived.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.0, Kind::Frames(Frames { closed: true, .. }))
    }
}

#[derive(Clone, Debug)]
struct Frames {
    head: [u8; 10],
    have: usize,
    /// Bytes of the frame's payload that are still to come.
    payload: u64,
    closed: bool,
}

impl Frames {
    fn feed(&mut self, mut bytes: &[u8]) -> usize {
        let mut messages = 0;
        loop {
            let length = self.head_length();
            if self.have < length {
                let Some((first, rest)) = bytes.split_first() else { return messages };
                self.head[self.have] = *first;
                self.have += 1;
                bytes = rest;
                if self.have == self.head_length() {
                    self.payload = self.payload_length();
                }
                if self.have < self.head_length() {
                    continue;
                }
            }
            let skip = self.payload.min(bytes.len() as u64);
            self.payload -= skip;
            bytes = &bytes[skip as usize..];
            if self.payload > 0 {
                return messages;
            }
            messages += usize::from(self.ends_message());
            self.closed |= self.head[0] & 0x0f == 8;
            self.have = 0;
        }
    }

    fn head_length(&self) -> usize {
        match (self.have, self.head[1]) {
            (0 | 1, _) => 2,
            (_, 126) => 4,
            (_, 127) => 10,
            _ => 2,
        }
    }

    fn payload_length(&self) -> u64 {
        let [_, length, a, b, c, d, e, f, g, h] = self.head;
        match length {
            126 => u16::from_be_bytes([a, b]).into(),
            127 => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            length => length.into(),
        }
    }

    /// Returns whether this is the last frame of a text or binary message.
    fn ends_message(&self) -> bool {
        self.head[0] & 0x80 != 0 && self.head[0] & 0x0f <= 2
    }
}

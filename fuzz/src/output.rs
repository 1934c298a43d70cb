//! Parses a server's bytes, and checks that the server may send them.

use crate::{
    inflater::Inflater,
    reader::Seen,
    wire::{CLOSE, CONTINUE, Frame, PING, PONG, RSV1, TEXT, server_frame},
};

/// How the server compresses.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub takeover: bool,
    pub window_bits: u8,
}

/// The contents of a server's bytes.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Text, binary messages and pings, in order.
    pub messages: Vec<Seen>,
    pub pongs: Vec<Vec<u8>>,
    /// The code and the reason of the Close. The code is 0 for a Close without one.
    pub close: Option<(u16, Vec<u8>)>,
    /// Whether the bytes stop inside a frame or a message.
    pub is_cut: bool,
}

/// Reads all frames.
///
/// # Panics
///
/// Panics if they violate a rule: of the grammar, of fragmentation, of compression, of text, of the
/// contents of a Close, or that nothing follows it.
pub fn read(mut bytes: &[u8], terms: Option<Terms>) -> Output {
    let mut output = Output::default();
    let window = terms.map_or(0, |terms| 1 << terms.window_bits);
    let mut inflater = Inflater::new(window);
    let mut open: Option<(u8, Vec<u8>)> = None;
    while let Some((frame, rest)) = server_frame(bytes) {
        bytes = rest;
        assert!(output.close.is_none(), "a frame follows the Close: {frame:x?}");
        if frame.is_control() {
            output.control(frame);
            continue;
        }
        let (first, mut payload) = match (open.take(), frame.opcode()) {
            (None, CONTINUE) => panic!("nothing is to be continued: {frame:x?}"),
            (None, _) => (frame.first, Vec::new()),
            (Some(open), CONTINUE) => {
                assert_eq!(frame.first & RSV1, 0, "RSV1 in a continuation");
                open
            }
            (Some(_), _) => panic!("a message begins within another: {frame:x?}"),
        };
        payload.extend_from_slice(frame.payload);
        if !frame.is_final() {
            open = Some((first, payload));
            continue;
        }
        if first & RSV1 != 0 {
            let terms = terms.expect("RSV1 means compression, which was agreed on");
            if !terms.takeover {
                inflater = Inflater::new(window);
            }
            payload.extend([0, 0, 0xff, 0xff]);
            let mut inflated = Vec::new();
            let ended = inflater.feed(&payload, &mut inflated, usize::MAX).expect("the payload is DEFLATE");
            assert!(!ended && inflater.is_at_rest(), "a compressed message has no proper end");
            payload = inflated;
        }
        output.messages.push(if first & 0x0f == TEXT {
            assert!(std::str::from_utf8(&payload).is_ok(), "text that is none");
            Seen::Text(payload)
        } else {
            Seen::Binary(payload)
        });
    }
    output.is_cut = !bytes.is_empty() || open.is_some() && output.close.is_none();
    output
}

impl Output {
    fn control(&mut self, frame: Frame<'_>) {
        let payload = frame.payload.to_vec();
        match frame.opcode() {
            PING => self.messages.push(Seen::Ping(payload)),
            PONG => self.pongs.push(payload),
            CLOSE => {
                let (code, reason) = match payload.split_first_chunk() {
                    Some((code, reason)) => (u16::from_be_bytes(*code), reason.to_vec()),
                    None => {
                        assert!(payload.is_empty(), "a Close with half a code");
                        (0, Vec::new())
                    }
                };
                assert!(code == 0 || may_be_sent(code), "a Close with the code {code}");
                assert!(std::str::from_utf8(&reason).is_ok(), "the reason is not UTF-8");
                self.close = Some((code, reason));
            }
            _ => unreachable!(),
        }
    }
}

/// Returns whether a Close may contain this code: RFC 6455 §7.4, and 1012 to 1014, which IANA has
/// registered since.
pub fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Checks that `pongs` answer pings of `pings`, in order. Not every ping needs its own answer (RFC
/// 6455 §5.5.3).
pub fn check_pongs<'a>(pongs: &[Vec<u8>], pings: impl IntoIterator<Item = &'a [u8]>) {
    let mut pings = pings.into_iter();
    for pong in pongs {
        assert!(
            pings.any(|ping| ping == pong),
            "a pong that answers no ping, or twice, or too late: {pong:x?}"
        );
    }
}

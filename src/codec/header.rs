//! Frame headers (RFC 6455 §5.2).

use tungstenite::{
    error::{Error, ProtocolError},
    protocol::{
        Role,
        frame::{
            FrameHeader,
            coding::{Control, Data, OpCode},
        },
    },
};

use super::{
    input,
    limits::Limits,
    mask::{KEY_LEN, Key},
};

/// The largest payload of a control frame in bytes (RFC 6455 §5.5).
pub(crate) const MAX_CONTROL: usize = 125;

/// The longest header: 2 bytes, 8 bytes of length and 4 bytes of mask.
const MAX_LEN: usize = 14;

/// The bit of the first byte that ends a message.
pub(super) const FIN: u8 = 0x80;
/// The bit of the first byte that begins a compressed message (RFC 7692 §6).
pub(super) const RSV1: u8 = 0x40;
const RSV2: u8 = 0x20;
const RSV3: u8 = 0x10;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;

/// The rules for the peer's next frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    /// Which side this is. A client's frames are masked, and a server's are not (RFC 6455 §5.1).
    pub(super) role: Role,
    /// Whether a message was begun and has to be continued.
    pub(super) is_message_open: bool,
    /// Whether that message is compressed.
    pub(super) is_message_compressed: bool,
    /// Whether messages may be compressed.
    pub(super) may_be_compressed: bool,
    /// The number of bytes of that message so far.
    pub(super) assembled: usize,
    pub(super) limits: &'a Limits,
}

impl Rules<'_> {
    /// Returns an error if a data frame of `payload` bytes exceeds the limits.
    fn check_payload(&self, header: &FrameHeader, payload: u64) -> Result<(), Error> {
        if header.rsv1 || self.is_message_compressed {
            self.limits.check_compressed(payload)
        } else {
            self.limits.check_plain(payload, self.assembled)
        }
    }
}

/// The first bytes of a header.
#[derive(Debug, Default)]
pub(super) struct PartialHeader {
    bytes: [u8; MAX_LEN],
    len: u8,
}

impl PartialHeader {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the first byte of the header, if it has arrived.
    pub(super) fn first(&self) -> Option<u8> {
        self.bytes.first().copied().filter(|_| !self.is_empty())
    }

    /// Reads a header and the size of the payload, as far as they have arrived. Each rule is
    /// checked as soon as the bytes that may violate it have arrived.
    pub(super) fn read(
        &mut self,
        input: &mut &mut [u8],
        rules: &Rules<'_>,
    ) -> Result<Option<(FrameHeader, u64)>, Error> {
        let held = usize::from(self.len);
        let parsed = if held == 0 {
            parse(input, rules)?
        } else {
            let taken = input.len().min(MAX_LEN - held);
            self.bytes[held..held + taken].copy_from_slice(&input[..taken]);
            parse(&self.bytes[..held + taken], rules)?
        };
        if let Some((header, payload, len)) = parsed {
            // The bytes that were held are less than a header, so `len > held`.
            input::take(input, len - held);
            self.len = 0;
            return Ok(Some((header, payload)));
        }
        let taken = input.len();
        self.bytes[held..held + taken].copy_from_slice(input);
        self.len += taken as u8;
        input::take(input, taken);
        Ok(None)
    }
}

/// Returns `true` if `first` is the first byte of a Close.
pub(super) fn is_close(first: u8) -> bool {
    OpCode::from(first & OPCODE) == OpCode::Control(Control::Close)
}

/// Parses the peer's header at the start of `bytes`. Also returns the sizes of the payload and of
/// the header.
fn parse(bytes: &[u8], rules: &Rules<'_>) -> Result<Option<(FrameHeader, u64, usize)>, Error> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let mut header = parse_first(first, rules)?;
    let Some(&second) = bytes.get(1) else { return Ok(None) };
    let is_masked = second & MASKED != 0;
    match rules.role {
        Role::Server if !is_masked => return Err(ProtocolError::UnmaskedFrameFromClient.into()),
        Role::Client if is_masked => return Err(ProtocolError::MaskedFrameFromServer.into()),
        Role::Server | Role::Client => {}
    }
    let is_control = matches!(header.opcode, OpCode::Control(_));
    let short = second & !MASKED;
    if is_control && usize::from(short) > MAX_CONTROL {
        return Err(ProtocolError::ControlFrameTooBig.into());
    }
    let rest = &bytes[2..];
    let (payload, rest) = match short {
        126 => match rest.split_first_chunk() {
            Some((len, rest)) => (u16::from_be_bytes(*len).into(), rest),
            None => return Ok(None),
        },
        127 => {
            // "The most significant bit MUST be 0".
            if rest.first().is_some_and(|byte| byte & 0x80 != 0) {
                return Err(ProtocolError::NonZeroReservedBits.into());
            }
            match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from_be_bytes(*len), rest),
                None => return Ok(None),
            }
        }
        len => (len.into(), rest),
    };
    if !is_control {
        rules.check_payload(&header, payload)?;
    }
    let rest = if is_masked {
        let Some((key, rest)) = rest.split_first_chunk() else { return Ok(None) };
        header.mask = Some(*key);
        rest
    } else {
        rest
    };
    Ok(Some((header, payload, bytes.len() - rest.len())))
}

/// Parses the first byte: the flags and the opcode.
fn parse_first(first: u8, rules: &Rules<'_>) -> Result<FrameHeader, ProtocolError> {
    let header = FrameHeader {
        is_final: first & FIN != 0,
        rsv1: first & RSV1 != 0,
        rsv2: first & RSV2 != 0,
        rsv3: first & RSV3 != 0,
        opcode: OpCode::from(first & OPCODE),
        mask: None,
    };
    let may_have_rsv1 =
        rules.may_be_compressed && matches!(header.opcode, OpCode::Data(Data::Text | Data::Binary));
    match header.opcode {
        OpCode::Data(Data::Reserved(_)) | OpCode::Control(Control::Reserved(_)) => {
            Err(ProtocolError::InvalidOpcode(first & OPCODE))
        }
        _ if header.rsv2 || header.rsv3 || header.rsv1 && !may_have_rsv1 => {
            Err(ProtocolError::NonZeroReservedBits)
        }
        OpCode::Control(_) if !header.is_final => Err(ProtocolError::FragmentedControlFrame),
        OpCode::Data(Data::Continue) if !rules.is_message_open => Err(ProtocolError::UnexpectedContinueFrame),
        OpCode::Data(data @ (Data::Text | Data::Binary)) if rules.is_message_open => {
            Err(ProtocolError::ExpectedFragment(data))
        }
        _ => Ok(header),
    }
}

/// Returns the first byte of a header.
pub(super) fn first_byte(header: &FrameHeader) -> u8 {
    let flag = |is_set, bit| if is_set { bit } else { 0 };
    u8::from(header.opcode)
        | flag(header.is_final, FIN)
        | flag(header.rsv1, RSV1)
        | flag(header.rsv2, RSV2)
        | flag(header.rsv3, RSV3)
}

/// Appends a header with the shortest encoding of the length, and with the masking key if there is
/// one.
pub(super) fn write(output: &mut Vec<u8>, first: u8, payload: usize, key: Option<Key>) {
    let masked = if key.is_some() { MASKED } else { 0 };
    match payload {
        len @ 0..=125 => output.extend_from_slice(&[first, masked | len as u8]),
        len @ 126..=0xffff => {
            let [high, low] = (len as u16).to_be_bytes();
            output.extend_from_slice(&[first, masked | 126, high, low]);
        }
        len => {
            output.extend_from_slice(&[first, masked | 127]);
            output.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    if let Some(key) = key {
        output.extend_from_slice(&key);
    }
}

/// Returns the number of bytes that [`write()`] appends.
pub(super) fn len(payload: usize, is_masked: bool) -> usize {
    let key = if is_masked { KEY_LEN } else { 0 };
    match payload {
        0..=125 => key + 2,
        126..=0xffff => key + 4,
        _ => key + 10,
    }
}

/// Splits the first frame from the frames behind it, whose lengths have the shortest encoding.
pub(super) fn split_frame(frames: &[u8]) -> Option<(&[u8], &[u8])> {
    let second = *frames.get(1)?;
    let payload = match (second & !MASKED, frames.get(2..)?) {
        (127, &[a, b, c, d, e, f, g, h, ..]) => u64::from_be_bytes([a, b, c, d, e, f, g, h]) as usize,
        (126, &[high, low, ..]) => u16::from_be_bytes([high, low]).into(),
        (126 | 127, _) => return None,
        (len, _) => len.into(),
    };
    frames.split_at_checked(len(payload, second & MASKED != 0) + payload)
}

/// Returns `true` if `first` is the first byte of a ping.
pub(super) fn is_ping(first: u8) -> bool {
    first & 0x0f == 0x09
}

/// Returns `true` if `first` is the first byte of a control frame.
pub(super) fn is_control(first: u8) -> bool {
    first & 0x08 != 0
}

#[cfg(test)]
mod tests;

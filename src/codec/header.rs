//! Frame headers (RFC 6455 §5.2).

use tungstenite::{
    error::{Error, ProtocolError},
    protocol::frame::{
        FrameHeader,
        coding::{Control, Data, OpCode},
    },
};

use super::{input, limits::Limits};

/// The largest payload of a control frame (RFC 6455 §5.5), in bytes.
pub(super) const MAX_CONTROL: usize = 125;

/// The longest header: 2 bytes, 8 of length, 4 of mask.
const MAX_LEN: usize = 14;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2: u8 = 0x20;
const RSV3: u8 = 0x10;
const MASKED: u8 = 0x80;

/// What a client's next frame may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    /// Whether a message was begun and is to be continued.
    pub(super) is_message_open: bool,
    /// Whether that message is compressed.
    pub(super) is_message_compressed: bool,
    /// Whether messages may be compressed.
    pub(super) may_be_compressed: bool,
    /// How many bytes of that message there are.
    pub(super) assembled: usize,
    pub(super) limits: &'a Limits,
}

impl Rules<'_> {
    /// Fails when there is no room for a data frame of `payload` bytes.
    fn check_payload(&self, header: &FrameHeader, payload: u64) -> Result<(), Error> {
        if header.rsv1 || self.is_message_compressed {
            self.limits.check_compressed(payload)
        } else {
            self.limits.check_plain(payload, self.assembled)
        }
    }
}

/// A header of which the first bytes have arrived.
#[derive(Debug, Default)]
pub(super) struct PartialHeader {
    bytes: [u8; MAX_LEN],
    len: u8,
}

impl PartialHeader {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads a header and the size of the payload, or what there is of it. Each rule is applied as soon as the bytes are
    /// there that break it.
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
            // What is held was not enough, so `len > held`.
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

/// Reads a client's header from the start of `bytes`: with the size of the payload and its own.
fn parse(bytes: &[u8], rules: &Rules<'_>) -> Result<Option<(FrameHeader, u64, usize)>, Error> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let mut header = parse_first(first, rules)?;
    let Some(&second) = bytes.get(1) else { return Ok(None) };
    if second & MASKED == 0 {
        return Err(ProtocolError::UnmaskedFrameFromClient.into());
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
    let Some((mask, rest)) = rest.split_first_chunk() else { return Ok(None) };
    header.mask = Some(*mask);
    Ok(Some((header, payload, bytes.len() - rest.len())))
}

/// Reads the first byte: the flags and the opcode.
fn parse_first(first: u8, rules: &Rules<'_>) -> Result<FrameHeader, ProtocolError> {
    let header = FrameHeader {
        is_final: first & FIN != 0,
        rsv1: first & RSV1 != 0,
        rsv2: first & RSV2 != 0,
        rsv3: first & RSV3 != 0,
        opcode: OpCode::from(first & 0x0f),
        mask: None,
    };
    let may_have_rsv1 =
        rules.may_be_compressed && matches!(header.opcode, OpCode::Data(Data::Text | Data::Binary));
    match header.opcode {
        OpCode::Data(Data::Reserved(_)) | OpCode::Control(Control::Reserved(_)) => {
            Err(ProtocolError::InvalidOpcode(first & 0x0f))
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

/// The first byte of a header.
pub(super) fn first_byte(header: &FrameHeader) -> u8 {
    let flag = |is_set, bit| if is_set { bit } else { 0 };
    u8::from(header.opcode)
        | flag(header.is_final, FIN)
        | flag(header.rsv1, RSV1)
        | flag(header.rsv2, RSV2)
        | flag(header.rsv3, RSV3)
}

/// Appends a server's header, in the shortest form.
pub(super) fn write(output: &mut Vec<u8>, first: u8, payload: usize) {
    match payload {
        len @ 0..=125 => output.extend_from_slice(&[first, len as u8]),
        len @ 126..=0xffff => {
            let [high, low] = (len as u16).to_be_bytes();
            output.extend_from_slice(&[first, 126, high, low]);
        }
        len => {
            output.extend_from_slice(&[first, 127]);
            output.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

/// How many bytes [`write`] appends.
pub(super) fn len(payload: usize) -> usize {
    match payload {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    }
}

/// Splits the first frame of a server from those behind it.
pub(super) fn split_frame(frames: &[u8]) -> Option<(&[u8], &[u8])> {
    let payload = match *frames {
        [_, 127, a, b, c, d, e, f, g, h, ..] => u64::from_be_bytes([a, b, c, d, e, f, g, h]) as usize,
        [_, 126, high, low, ..] => u16::from_be_bytes([high, low]).into(),
        [_, len, ..] => len.into(),
        _ => return None,
    };
    frames.split_at_checked(len(payload) + payload)
}

/// Whether the first byte of a header is that of a control frame.
pub(super) fn is_control(first: u8) -> bool {
    first & 0x08 != 0
}

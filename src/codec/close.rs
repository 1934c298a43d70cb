//! The payload of Close frames (RFC 6455 §5.5.1 and §7.4).

use tungstenite::{Error, error::ProtocolError, protocol::CloseFrame};

use super::{
    header::MAX_CONTROL,
    utf8::{self, BadUtf8},
};
use crate::close::is_valid_close_code;

/// Parses the payload of a Close frame.
pub(super) fn parse(payload: &[u8]) -> Result<Option<CloseFrame>, Error> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        [_] => return Err(ProtocolError::InvalidCloseSequence.into()),
    };
    if !is_valid_close_code(code) {
        return Err(ProtocolError::InvalidCloseSequence.into());
    }
    let reason = utf8::check(reason).map_err(|at| BadUtf8 { at: at + 2 })?;
    Ok(Some(CloseFrame { code: code.into(), reason: reason.into() }))
}

/// Writes the payload of a Close frame to `buffer`, and returns the part that it fills. A reason
/// that is too long is truncated at a character boundary.
pub(super) fn write<'a>(buffer: &'a mut [u8; MAX_CONTROL], frame: Option<&CloseFrame>) -> &'a [u8] {
    let Some(frame) = frame else { return &[] };
    let reason = reason(frame).as_bytes();
    let payload = &mut buffer[..2 + reason.len()];
    payload[..2].copy_from_slice(&u16::from(frame.code).to_be_bytes());
    payload[2..].copy_from_slice(reason);
    payload
}

/// Returns the part of the reason that fits into a control frame.
fn reason(frame: &CloseFrame) -> &str {
    let mut end = frame.reason.len().min(MAX_CONTROL - 2);
    while !frame.reason.is_char_boundary(end) {
        end -= 1;
    }
    &frame.reason[..end]
}

#[cfg(test)]
mod tests;

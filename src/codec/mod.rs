//! The protocol on the wire (RFC 6455 §5), without IO and without a clock.
//!
//! - A [`Decoder`] turns bytes that arrive in any pieces into messages. It rejects an invalid frame
//!   by its header.
//! - An [`Encoder`] turns messages into [`Flight`]s of bytes, which are written one after the
//!   other.
//! - Both use tungstenite's types. Neither locks, logs or waits.

mod assembler;
mod close;
mod control;
mod decoded;
mod decoder;
mod encoder;
mod flight;
mod frame;
mod framed;
mod header;
mod input;
mod limits;
mod mask;
mod outgoing;
#[cfg(test)]
mod reference;
mod utf8;
mod whole;
mod write_buffer;

pub(crate) use control::Control;
pub(crate) use decoded::Decoded;
pub(crate) use decoder::Decoder;
pub(crate) use encoder::Encoder;
pub(crate) use flight::Flight;
pub(crate) use framed::shared_frame;
pub(crate) use header::MAX_CONTROL;
pub(crate) use limits::Limits;
pub(crate) use mask::Key;
pub(crate) use outgoing::frame_len;

//! The first bytes of frames that are whole messages: [`FIN`] and an [opcode]. They can be used as
//! patterns.

use crate::{FIN, opcode};

pub const TEXT: u8 = FIN | opcode::TEXT;
pub const BINARY: u8 = FIN | opcode::BINARY;
pub const CLOSE: u8 = FIN | opcode::CLOSE;
pub const PING: u8 = FIN | opcode::PING;
pub const PONG: u8 = FIN | opcode::PONG;

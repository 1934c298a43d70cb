//! The codes of a [`CloseFrame`](super::CloseFrame), with axum's names (RFC 6455 §7.4.1).
//!
//! ```
//! use tower_websocket::axum::{CloseFrame, Message, close_code};
//!
//! let message = Message::Close(Some(CloseFrame { code: close_code::AWAY, reason: "bye".into() }));
//! assert_eq!(u16::from(close_code::AWAY), 1001);
//! ```
//!
//! They have the type of tungstenite, like the field of the frame.
//! [`WebSocket::close`](crate::WebSocket::close) takes this crate's
//! [`CloseCode`](crate::CloseCode), which can only be a code that may be sent.

use tungstenite::protocol::frame::coding::CloseCode;

/// 1000: the purpose of the connection has been fulfilled.
///
/// See the [example](self) of the module.
pub const NORMAL: CloseCode = CloseCode::Normal;
/// 1001: the endpoint is going away: a server shuts down, or the user leaves a page.
///
/// See the [example](self) of the module.
pub const AWAY: CloseCode = CloseCode::Away;
/// 1002: the peer violated the protocol.
///
/// See the [example](self) of the module.
pub const PROTOCOL: CloseCode = CloseCode::Protocol;
/// 1003: the endpoint cannot accept this type of data.
///
/// See the [example](self) of the module.
pub const UNSUPPORTED: CloseCode = CloseCode::Unsupported;
/// 1005: the Close has no code. Only reported, never sent.
///
/// See the [example](self) of the module.
pub const STATUS: CloseCode = CloseCode::Status;
/// 1006: the connection ended without a Close. Only reported, never sent.
///
/// See the [example](self) of the module.
pub const ABNORMAL: CloseCode = CloseCode::Abnormal;
/// 1007: the data does not match its type, such as text that is not UTF-8.
///
/// See the [example](self) of the module.
pub const INVALID: CloseCode = CloseCode::Invalid;
/// 1008: a message violates a policy, and no other code fits.
///
/// See the [example](self) of the module.
pub const POLICY: CloseCode = CloseCode::Policy;
/// 1009: a message is too large.
///
/// See the [example](self) of the module.
pub const SIZE: CloseCode = CloseCode::Size;
/// 1010: the server did not negotiate an extension that the client needs. Sent by clients.
///
/// See the [example](self) of the module.
pub const EXTENSION: CloseCode = CloseCode::Extension;
/// 1011: an unexpected condition in the server.
///
/// See the [example](self) of the module.
pub const ERROR: CloseCode = CloseCode::Error;
/// 1012: the server is restarting.
///
/// See the [example](self) of the module.
pub const RESTART: CloseCode = CloseCode::Restart;
/// 1013: the server is overloaded, and the client should try again later.
///
/// See the [example](self) of the module.
pub const AGAIN: CloseCode = CloseCode::Again;

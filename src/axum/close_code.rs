//! The codes of a [`CloseFrame`](super::CloseFrame), by axum's names (RFC 6455 §7.4.1).
//!
//! They are tungstenite's, as in the frame. [`WebSocket::close`](crate::WebSocket::close) takes a
//! [`CloseCode`](crate::CloseCode), which has names of its own, and which is never a code that must
//! not be sent.
//!
//! ```
//! use tower_websocket::axum::{CloseFrame, Message, close_code};
//!
//! let message = Message::Close(Some(CloseFrame { code: close_code::AWAY, reason: "bye".into() }));
//! assert_eq!(u16::from(close_code::AWAY), 1001);
//! ```

use tungstenite::protocol::frame::coding::CloseCode;

/// 1000: the purpose of the connection is fulfilled.
pub const NORMAL: CloseCode = CloseCode::Normal;
/// 1001: the endpoint goes away, such as a server that shuts down or a page that is left.
pub const AWAY: CloseCode = CloseCode::Away;
/// 1002: the peer broke the protocol.
pub const PROTOCOL: CloseCode = CloseCode::Protocol;
/// 1003: data of a type that cannot be accepted.
pub const UNSUPPORTED: CloseCode = CloseCode::Unsupported;
/// 1005: the Close has no code. For reports only, never sent.
pub const STATUS: CloseCode = CloseCode::Status;
/// 1006: the connection ended without a Close. For reports only, never sent.
pub const ABNORMAL: CloseCode = CloseCode::Abnormal;
/// 1007: data that does not fit its type, such as text that is not UTF-8.
pub const INVALID: CloseCode = CloseCode::Invalid;
/// 1008: a message that breaks a policy; where no other code fits.
pub const POLICY: CloseCode = CloseCode::Policy;
/// 1009: a message too big to be processed.
pub const SIZE: CloseCode = CloseCode::Size;
/// 1010: the server did not agree on an extension that the client needs. Sent by clients.
pub const EXTENSION: CloseCode = CloseCode::Extension;
/// 1011: an unexpected condition in the server.
pub const ERROR: CloseCode = CloseCode::Error;
/// 1012: the server restarts.
pub const RESTART: CloseCode = CloseCode::Restart;
/// 1013: the server is overloaded, the client should try again later.
pub const AGAIN: CloseCode = CloseCode::Again;

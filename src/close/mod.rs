//! Close codes, close reasons, and how a connection ended (RFC 6455 §7).
//!
//! ```
//! use tower_websocket::{CloseCode, WebSocket};
//!
//! const UNKNOWN_COMMAND: CloseCode = CloseCode::application(4001);
//!
//! async fn handler(mut socket: WebSocket) {
//!     if let Some(Ok(command)) = socket.recv_data().await {
//!         let _ = socket.close(UNKNOWN_COMMAND, format!("unknown command: {command}")).await;
//!     }
//!     if let Some(info) = socket.close_info() {
//!         println!("closed with {} {:?}", info.code(), info.reason());
//!     }
//! }
//! ```
//!
//! - [`CloseCode`] is in the crate's root. [`WebSocket::close`](crate::WebSocket::close) takes a
//!   code and a reason.
//! - [`WebSocket::close_info`](crate::WebSocket::close_info) returns a [`CloseInfo`]: the code and
//!   reason from the peer, the Close that was sent, and the error if there was one.
//! - [`close_code_of`] returns the code with which a failed connection is closed.

pub(crate) mod code;
mod error_code;
mod info;
mod pong_timeout;
mod reason;

pub use code::InvalidCloseCode;
pub use error_code::close_code_of;
pub use info::CloseInfo;
pub use reason::{CloseReason, CloseReasonTooLong};

pub(crate) use code::{CloseCode, is_valid_close_code};
pub(crate) use pong_timeout::PongTimeout;

//! Values as JSON in text messages.
//!
//! ```
//! use tower_websocket::{WebSocket, json::RecvJsonError};
//!
//! async fn sum(mut socket: WebSocket) {
//!     while let Some(numbers) = socket.recv_json::<Vec<i64>>().await {
//!         let sent = match numbers {
//!             Ok(numbers) => socket.send(numbers.iter().sum::<i64>().to_string()).await,
//!             Err(RecvJsonError::Socket(_)) => break,
//!             Err(error) => socket.close(error.close_code(), error.close_reason()).await,
//!         };
//!         if sent.is_err() {
//!             break;
//!         }
//!     }
//! }
//! ```
//!
//! - [`recv_json`](crate::WebSocket::recv_json) and [`send_json`](crate::WebSocket::send_json) are
//!   methods of [`WebSocket`](crate::WebSocket), and also of [`Receiver`](crate::Receiver) and
//!   [`Sender`](crate::Sender).
//! - [`RecvJsonError`] and [`SendJsonError`] are their errors.

mod error;
mod halves;
mod message;
mod socket;

pub use error::{RecvJsonError, SendJsonError};

//! WebSockets of a client, on any stream.
//!
//! [`Connector`](crate::Connector) is exported from the crate's root. This module contains its
//! errors.
//!
//! ```
//! use http::{Request, StatusCode};
//! use tokio::net::TcpStream;
//! use tower_websocket::{Connector, connect::ConnectErrorKind, handshake::ResponseError};
//!
//! async fn greet(addr: &str) -> Result<(), Box<dyn std::error::Error>> {
//!     let io = TcpStream::connect(addr).await?;
//!     let request = Request::get(format!("ws://{addr}/chat")).body(())?;
//!     match Connector::new().protocol("chat").connect(request, io).await {
//!         Ok((mut socket, _)) => socket.send("hello").await?,
//!         Err(error) => match error.kind() {
//!             ConnectErrorKind::Response(ResponseError::Status(StatusCode::UNAUTHORIZED)) => {
//!                 println!("credentials are needed: {:?}", error.response());
//!             }
//!             _ => return Err(error.into()),
//!         },
//!     }
//!     Ok(())
//! }
//! ```

pub(crate) mod connector;
mod error;
#[cfg(feature = "http2")]
mod http2;
mod opening;
mod request_error;

pub use error::{ConnectError, ConnectErrorKind};
#[cfg(feature = "http2")]
pub use http2::Http2ConnectError;
pub use request_error::RequestError;

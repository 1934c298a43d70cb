//! Tests of services that open WebSockets, in memory and in paused time.
//!
//! Requires the feature `testing`.
//!
//! ```
//! use axum::{Router, routing::get};
//! use http::{Request, StatusCode};
//! use tower_websocket::{WebSocketUpgradeLayer, testing::connect};
//!
//! fn app() -> Router {
//!     let greet = WebSocketUpgradeLayer::accept_all(async |mut socket| {
//!         while let Some(Ok(name)) = socket.recv_data().await {
//!             let _ = socket.send(format!("hello, {name}")).await;
//!         }
//!     });
//!     Router::new().route("/", get("a page")).route_service("/ws", greet.into_service())
//! }
//!
//! # /*
//! #[tokio::test(start_paused = true)]
//! # */
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() { greets().await }
//! async fn greets() {
//!     let mut client = connect(app(), "/ws").await.unwrap();
//!     client.send("Ada").await.unwrap();
//!     assert_eq!(client.recv_text().await, "hello, Ada");
//!
//!     let foreign = Request::get("/ws").header("origin", "https://evil.org");
//!     let rejected = connect(app(), foreign).await.unwrap_err();
//!     assert_eq!(rejected.status(), StatusCode::FORBIDDEN);
//!     assert!(rejected.body().starts_with(b"the origin \"https://evil.org\" is not allowed"));
//! }
//! ```
//!
//! [`connect`] sends an opening handshake to a tower service through hyper's HTTP/1.1 connection.
//! It returns a [`Client`] whose socket is open, or the response that rejected the handshake. The
//! service may be an axum `Router`, a layer's
//! [`into_service`](crate::WebSocketUpgradeLayer::into_service), or any stack of middleware,
//! including services that do not use this crate.
//!
//! To test a handshake service alone, [`handshake`] creates the request that it receives. To test a
//! handler alone, [`pair`] creates an open WebSocket and its client.
//!
//! - In paused time (tokio's `test-util`), keepalive, timeouts and deadlines elapse immediately
//!   when no task has anything else to do.
//! - A client waits for up to a day, then it panics. In paused time a day also elapses immediately,
//!   so a test that waits for a message that never arrives fails instead of blocking.
//! - Misuse by the test, and a service that does not answer, cause a panic whose message names the
//!   calling line of the test.
//! - [`Shutdown::idle`](crate::Shutdown::idle) waits until the server side has released all its
//!   sockets.

mod client;
mod connect;
mod handshake_request;
mod pair;
mod rejected;
mod request;
mod timeout;

pub use client::Client;
pub use connect::connect;
pub use handshake_request::handshake;
pub use pair::pair;
pub use rejected::Rejected;
pub use request::IntoRequest;

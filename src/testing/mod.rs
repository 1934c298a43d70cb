//! Tests of services that open WebSockets, in memory: no port, no real clock. With the feature
//! `testing`.
//!
//! [`connect`] sends one opening handshake to a tower service, through hyper's own HTTP/1.1
//! connection, and comes back with a [`Client`] whose socket is open, or with the response that
//! rejected it. The service is whatever a server would be given: an axum `Router`, a layer's
//! [`into_service`](crate::WebSocketUpgradeLayer::into_service), a stack of middleware. It need not
//! be of this crate.
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
//! [`handshake`] makes the request that a handshake service gets, to call that service alone, and
//! [`pair`] an open WebSocket with its client, to call a handler alone.
//!
//! - In paused time (tokio's `test-util`) keepalive, timeouts and deadlines pass at once when
//!   nothing else happens.
//! - A client waits a day, then it panics. In paused time that too is at once, so a test that waits
//!   for what never comes fails instead of hanging.
//! - What a test did wrong, or a service that does not answer, panics with the place in the test
//!   that called.
//! - [`Shutdown::idle`](crate::Shutdown::idle) waits until the server's side has let go of all its
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

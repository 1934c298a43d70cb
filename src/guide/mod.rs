//! How to build with this crate, one question per page.
//!
//! Open a WebSocket:
//!
//! - [`choosing`]: which entry point do I use?
//! - [`extractor`]: how do I open a WebSocket in an axum handler?
//! - [`rejecting`]: how do I reject a request, choose a subprotocol, or attach a value?
//! - [`authentication`]: how do I know who the client is, and which pages may connect?
//! - [`serving`]: how do I run a server on a port?
//! - [`http2`]: how do I accept WebSockets over HTTP/2?
//! - [`streams`]: how do I open a WebSocket on a stream, as a server or as a client?
//!
//! Use it:
//!
//! - [`messages`]: how do I receive, send and close?
//! - [`rooms`]: how do I send a message to many sockets?
//! - [`push`]: how do I reach a user from anywhere in the application?
//! - [`bytes_and_chunks`]: how do I tunnel bytes, or send messages larger than memory?
//! - [`compression`]: how do I compress messages?
//! - [`back_pressure`]: what do I do about slow peers and slow handlers?
//! - [`graphql`]: how do I serve GraphQL subscriptions?
//! - [`editing`]: how do I serve collaborative editing?
//!
//! Operate it:
//!
//! - [`settings`]: which settings and defaults are there?
//! - [`keepalive`]: how do I ping, and detect dead peers?
//! - [`limits`]: how do I limit what clients can cost?
//! - [`threats`]: what can an unauthenticated peer cost, measured?
//! - [`shutdown`]: how do I deploy without losing messages?
//! - [`proxies`]: how do I run behind nginx or HAProxy?
//! - [`gateways`]: how do I forward WebSockets to another server?
//! - [`observing`]: how do I log and count?
//! - [`testing`]: how do I test?
//!
//! Move to it:
//!
//! - [`moving_from_axum`]: what differs from axum's extractor?
//! - [`moving_from_tungstenite`]: what differs from tokio-tungstenite and hyper-tungstenite?
//! - [`moving_from_anyevent`]: what differs from Perl's AnyEvent::WebSocket::Server?

// With `doctest`, pages whose snippets need a feature are there only with that feature.

#[doc = include_str!("authentication.md")]
pub mod authentication {}

#[doc = include_str!("back_pressure.md")]
pub mod back_pressure {}

#[doc = include_str!("bytes_and_chunks.md")]
pub mod bytes_and_chunks {}

#[doc = include_str!("choosing.md")]
pub mod choosing {}

#[cfg(any(not(doctest), feature = "deflate"))]
#[doc = include_str!("compression.md")]
pub mod compression {}

// The snippets of this page are tests of `examples/editing`, which has the crates that they need.
#[cfg(not(doctest))]
#[doc = include_str!("editing.md")]
pub mod editing {}

#[cfg(any(not(doctest), feature = "axum"))]
#[doc = include_str!("extractor.md")]
pub mod extractor {}

#[doc = include_str!("gateways.md")]
pub mod gateways {}

// The snippets of this page are tests of `examples/graphql`, which has the crates that they need.
#[cfg(not(doctest))]
#[doc = include_str!("graphql.md")]
pub mod graphql {}

#[cfg(any(not(doctest), feature = "http2"))]
#[doc = include_str!("http2.md")]
pub mod http2 {}

#[doc = include_str!("keepalive.md")]
pub mod keepalive {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[cfg(any(not(doctest), feature = "json"))]
#[doc = include_str!("messages.md")]
pub mod messages {}

#[doc = include_str!("moving_from_anyevent.md")]
pub mod moving_from_anyevent {}

#[cfg(any(not(doctest), feature = "axum"))]
#[doc = include_str!("moving_from_axum.md")]
pub mod moving_from_axum {}

#[doc = include_str!("moving_from_tungstenite.md")]
pub mod moving_from_tungstenite {}

#[doc = include_str!("observing.md")]
pub mod observing {}

#[doc = include_str!("proxies.md")]
pub mod proxies {}

#[doc = include_str!("push.md")]
pub mod push {}

#[doc = include_str!("rejecting.md")]
pub mod rejecting {}

#[doc = include_str!("rooms.md")]
pub mod rooms {}

#[cfg(any(not(doctest), feature = "tls"))]
#[doc = include_str!("serving.md")]
pub mod serving {}

#[doc = include_str!("settings.md")]
pub mod settings {}

#[cfg(any(not(doctest), feature = "server"))]
#[doc = include_str!("shutdown.md")]
pub mod shutdown {}

#[doc = include_str!("streams.md")]
pub mod streams {}

#[cfg(any(not(doctest), feature = "testing"))]
#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("threats.md")]
pub mod threats {}

//! How to build with this crate, task by task. Every snippet compiles.
//!
//! | page | |
//! | --- | --- |
//! | [`choosing`] | choosing between a layer, a service, a server and a raw stream |
//! | [`authentication`] | by cookie, header, token in the subprotocol, first message |
//! | [`rooms`] | one message to many sockets |
//! | [`push`] | one message to a user, and questions to users with answers |
//! | [`graphql`] | GraphQL subscriptions, with `async-graphql` |
//! | [`editing`] | collaborative editing, with Yjs |
//! | [`back_pressure`] | peers that read slowly, handlers that do, and handlers that only send |
//! | [`bytes_and_chunks`] | a socket as a stream of bytes, and messages that are larger than memory |
//! | [`limits`] | what a client can make the server spend, and what ends it |
//! | [`proxies`] | behind nginx and HAProxy, and a gateway of your own |
//! | [`shutdown`] | deploying without losing messages |
//! | [`testing`] | without ports and without waiting |
//! | [`threats`] | what an unauthenticated peer can cost the server, measured |
//! | [`moving_from_axum`] | from axum's extractor, by one import or to a layer |
//! | [`moving`] | from hyper-tungstenite, tokio-tungstenite, AnyEvent::WebSocket::Server |

#[doc = include_str!("authentication.md")]
pub mod authentication {}

#[doc = include_str!("back_pressure.md")]
pub mod back_pressure {}

#[doc = include_str!("bytes_and_chunks.md")]
pub mod bytes_and_chunks {}

#[doc = include_str!("choosing.md")]
pub mod choosing {}

// The snippets of this page are tests of `examples/editing`, which has the crates that they need.
#[cfg(not(doctest))]
#[doc = include_str!("editing.md")]
pub mod editing {}

// As above, of `examples/graphql`.
#[cfg(not(doctest))]
#[doc = include_str!("graphql.md")]
pub mod graphql {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[doc = include_str!("moving.md")]
pub mod moving {}

#[cfg(feature = "axum")]
#[doc = include_str!("moving_from_axum.md")]
pub mod moving_from_axum {}

#[doc = include_str!("proxies.md")]
pub mod proxies {}

#[doc = include_str!("push.md")]
pub mod push {}

#[doc = include_str!("rooms.md")]
pub mod rooms {}

#[doc = include_str!("shutdown.md")]
pub mod shutdown {}

#[cfg(feature = "testing")]
#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("threats.md")]
pub mod threats {}

//! The servers under test, each in the plainest code its documentation shows.
//!
//! All of them echo text and binary messages on `/echo`, hand the binary messages that arrive on
//! `/pub/N` to all sockets on `/sub/0`, `/sub/1` and so on up to N, in turn, take messages up to
//! [`MAX_MESSAGE`](limits::MAX_MESSAGE) bytes, check that text is UTF-8, set `TCP_NODELAY` and run
//! on one thread.

mod axum;
mod conversation;
mod fastwebsockets;
mod hyper_connection;
mod hyper_tungstenite;
mod limits;
mod role;
mod serve;
mod sockudo;
mod tcp;
mod tokio_tungstenite;
mod tokio_websockets;
mod topic;
mod tower_websocket;
mod wtx;
mod yawc;

pub(crate) use serve::serve;

//! The servers under test, each in the plainest code that its documentation shows.
//!
//! All of them
//!
//! - echo text and binary messages on `/echo`, and read and drop messages on `/sink`;
//! - hand the binary messages of `/pub/N` to the sockets on `/sub/0`, `/sub/1` and so on up to N,
//!   in turn, if they can fan out;
//! - take messages up to [`MAX_MESSAGE`](limits::MAX_MESSAGE) bytes;
//! - check that text is UTF-8;
//! - set `TCP_NODELAY`;
//! - run on one thread, unless the [`Setup`](crate::setup::Setup) has workers.

mod accepting;
mod axum;
mod conversation;
mod fastwebsockets;
mod hyper_connection;
mod hyper_tungstenite;
mod io;
mod limits;
mod role;
mod serve;
mod sockudo;
mod tcp;
mod tls;
mod tokio_tungstenite;
mod tokio_websockets;
mod topic;
mod tower_websocket;
mod wtx;
mod yawc;

pub(crate) use serve::serve;

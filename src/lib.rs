#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod acceptor;
#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub mod axum;
mod codec;
mod config;
mod deflate;
#[cfg(any(doc, doctest))]
pub mod guide;
mod handshake;
mod header;
mod io;
#[cfg(feature = "json")]
mod json;
mod server;
mod shutdown;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod trace;
mod upgrade;
mod websocket;

pub use acceptor::{AcceptError, AcceptErrorKind, Acceptor, UpgradeError, Upgrading};
pub use config::Config;
#[cfg(feature = "deflate")]
pub use deflate::Deflate;
pub use handshake::{
    AcceptAll, AllowHost, AllowOrigin, ConnectProtocol, Handshake, HandshakeError, HandshakeFn,
    HandshakeService, InvalidEntry, Opening, RefusalCause, Rejection, RejectionBody, handshake_fn,
};
pub use io::{PendingIo, Rewind, Upgraded};
#[cfg(feature = "json")]
#[cfg_attr(docsrs, doc(cfg(feature = "json")))]
pub use json::{RecvJsonError, SendJsonError};
pub use server::{HttpService, Listener, PeerAddr, Serve, serve};
#[cfg(feature = "tls")]
pub use server::{Tls, TlsError, TlsInfo};
pub use shutdown::Shutdown;
pub use upgrade::{
    ResponseBody, ResponseFuture, UpgradeRequired, WebSocketUpgrade, WebSocketUpgradeLayer, stream_handler,
};
pub use websocket::{
    CloseCode, CloseReason, Driver, Ended, IntoInnerError, InvalidCloseCode, Receiver, Sender, Summary,
    Traffic, TrySendError, WebSocket,
};

#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
pub use tungstenite::{self, Error, Message, Utf8Bytes, protocol::CloseFrame};

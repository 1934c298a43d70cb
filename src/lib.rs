#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod acceptor;
mod agreement;
mod body;
mod config;
mod deflate;
mod future;
#[cfg(any(doc, doctest))]
pub mod guide;
mod handling;
mod handshake;
mod header;
mod io;
#[cfg(feature = "json")]
mod json;
mod layer;
mod permit;
mod server;
mod service;
mod shutdown;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod trace;
mod upgrade_required;
mod websocket;

pub use acceptor::{AcceptError, AcceptErrorKind, Acceptor, UpgradeError, Upgrading};
pub use body::ResponseBody;
pub use config::Config;
#[cfg(feature = "deflate")]
pub use deflate::Deflate;
pub use future::ResponseFuture;
pub use handshake::{
    AcceptAll, AllowOrigin, Handshake, HandshakeError, HandshakeService, Opening, RefusalCause, Rejection,
};
pub use io::{Rewind, Transport, Upgraded};
#[cfg(feature = "json")]
#[cfg_attr(docsrs, doc(cfg(feature = "json")))]
pub use json::{RecvJsonError, SendJsonError};
pub use layer::WebSocketUpgradeLayer;
pub use server::{HttpService, Listener, PeerAddr, Serve, serve};
#[cfg(feature = "tls")]
pub use server::{Tls, TlsError, TlsInfo};
pub use service::WebSocketUpgrade;
pub use shutdown::Shutdown;
pub use upgrade_required::UpgradeRequired;
pub use websocket::{
    CloseCode, CloseReason, Driver, Ended, InvalidCloseCode, Receiver, Sender, TrySendError, WebSocket,
};

#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
pub use tungstenite::{self, Error, Message, Utf8Bytes, protocol::CloseFrame};

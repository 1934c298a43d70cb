//! The transport between a socket and its client.

use std::{fmt::Debug, future::Future};

use tokio::io::{AsyncRead, AsyncWrite};
use tower_websocket::{AcceptAll, Acceptor, WebSocket};

/// A transport from a client to its socket.
pub(crate) trait Transport: 'static {
    /// The IO of the server's socket.
    type Io: AsyncRead + AsyncWrite + Debug + Send + Unpin + 'static;

    /// The client's end.
    type Client: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// How many bytes a server may write beyond the transport's buffer.
    const AHEAD: usize;

    /// How many tasks the transport itself has while the client exists.
    const TASKS: usize;

    /// Returns a client and the socket that it opened. `room` is the number of bytes that the
    /// transport buffers, `offer` the extensions that the client offers.
    fn connect(
        acceptor: Acceptor<AcceptAll>,
        room: usize,
        offer: Option<&str>,
    ) -> impl Future<Output = (Self::Client, WebSocket<Self::Io>)> + Send;

    /// Returns how many writes of the server the client has seen.
    fn writes(client: &Self::Client) -> usize;

    /// Reads data that would keep the transport busy when the socket is gone.
    fn finish(client: &mut Self::Client) -> impl Future<Output = ()> + Send;
}

/// Makes a module of each of these functions, with a test for each transport. Time is paused,
/// unless a single function has attributes of its own.
macro_rules! over_each_transport {
    ($($test:ident),+ $(,)?) => {
        $($crate::transport::over_each_transport!(#[tokio::test(start_paused = true)] $test);)+
    };
    (#[test] $test:ident) => {
        mod $test {
            #[test]
            fn http1() {
                super::$test::<$crate::http1::Http1>();
            }

            #[cfg(feature = "http2")]
            #[test]
            fn http2() {
                super::$test::<$crate::http2::Http2>();
            }
        }
    };
    ($(#[$attribute:meta])+ $test:ident) => {
        mod $test {
            $(#[$attribute])+
            async fn http1() {
                super::$test::<$crate::http1::Http1>().await;
            }

            #[cfg(feature = "http2")]
            $(#[$attribute])+
            async fn http2() {
                super::$test::<$crate::http2::Http2>().await;
            }
        }
    };
}

pub(crate) use over_each_transport;

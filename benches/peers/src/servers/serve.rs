//! The process of a server.

use std::io;

use tokio::{
    net::TcpSocket,
    runtime::{Builder, Runtime},
};

use super::{
    accepting::{accept, accept_tls},
    axum, fastwebsockets, hyper_tungstenite, sockudo, tcp,
    tls::server_config,
    tokio_tungstenite, tokio_websockets,
    tower_websocket::{self, FanOut},
    wtx, yawc,
};
use crate::{
    peer::Peer,
    process,
    setup::{Setup, Transport},
};

/// Serves the connections of a listener with a function that takes any stream.
macro_rules! accept {
    ($listener:expr, $tls:expr, $connection:expr) => {
        match $tls {
            None => accept($listener, $connection).await,
            Some(tls) => accept_tls($listener, tls, $connection).await,
        }
    };
}

/// Listens on a free port of the loopback address, prints the port and the certificate, if there is
/// one, and serves until the process is ended.
pub(crate) fn serve(peer: Peer, setup: Setup) -> io::Result<()> {
    process::pin(setup.cores().0)?;
    process::raise_file_limit()?;
    runtime(setup)?.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(4096)?;
        let port = listener.local_addr()?.port();
        let tls = if setup.transport == Transport::Tls {
            let (config, certificate) = server_config()?;
            let digits: String = certificate.iter().map(|byte| format!("{byte:02x}")).collect();
            println!("{port} {digits}");
            Some(config)
        } else {
            println!("{port}");
            None
        };
        let compression = setup.compression;
        match peer {
            Peer::TowerWebsocket => tower_websocket::serve(listener, tls, compression, FanOut::Rooms).await,
            Peer::TowerSenders => tower_websocket::serve(listener, tls, compression, FanOut::Senders).await,
            Peer::TowerAcceptor => {
                let acceptor = tower_websocket::acceptor();
                accept!(listener, tls, move |io| tower_websocket::connection(io, acceptor.clone()))
            }
            Peer::Tcp => accept!(listener, tls, tcp::connection),
            Peer::Axum => axum::serve(listener, tls).await,
            Peer::HyperTungstenite => accept!(listener, tls, hyper_tungstenite::connection),
            Peer::TokioTungstenite => accept!(listener, tls, tokio_tungstenite::connection),
            Peer::Fastwebsockets => accept!(listener, tls, fastwebsockets::connection),
            Peer::TokioWebsockets => accept!(listener, tls, tokio_websockets::connection),
            Peer::Yawc => {
                let (options, transport) = (yawc::options(compression), setup.transport);
                accept!(listener, tls, move |io| yawc::connection(io, options.clone(), transport))
            }
            Peer::YawcPool => {
                let (options, transport) = (yawc::pooled(yawc::options(compression)), setup.transport);
                accept!(listener, tls, move |io| yawc::connection(io, options.clone(), transport))
            }
            Peer::Sockudo if setup.transport == Transport::Http2 => {
                let server = sockudo::http2_server();
                accept!(listener, tls, move |io| sockudo::http2_connection(io, server.clone()))
            }
            Peer::Sockudo => accept!(listener, tls, move |io| sockudo::connection(io, compression)),
            Peer::Wtx => accept!(listener, tls, wtx::connection),
        }
    })
}

fn runtime(setup: Setup) -> io::Result<Runtime> {
    match setup.workers {
        Some(workers) => Builder::new_multi_thread().worker_threads(workers).enable_all().build(),
        None => Builder::new_current_thread().enable_all().build(),
    }
}

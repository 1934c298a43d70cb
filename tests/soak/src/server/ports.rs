//! The ports on which the server listens.

use std::{io, net::SocketAddr, time::Duration};

use rcgen::{CertificateParams, KeyPair};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::oneshot,
    task::JoinHandle,
};
use tower_websocket::{
    Shutdown, serve,
    server::{HttpService, TlsConfig},
};

/// How long the server waits for its sockets when it is stopped, and each time that a port is
/// drained.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(60);

/// A server that can be stopped.
pub(super) struct Running {
    pub(super) shutdown: Shutdown,
    signal: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Stops it, and waits for its sockets.
    pub(super) async fn end(self) -> Result<(), String> {
        let _ = self.signal.send(());
        match self.task.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Listens on a port with a long accept queue.
pub(super) fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(4096)
}

pub(super) fn start<S: HttpService>(
    plain: TcpListener,
    tls: Option<(TcpListener, TlsConfig)>,
    service: S,
) -> Running {
    let (signal, signalled) = oneshot::channel::<()>();
    let mut server = serve(plain, service)
        .drain_timeout(DRAIN_TIMEOUT)
        .with_graceful_shutdown(async { drop(signalled.await) });
    if let Some((listener, tls)) = tls {
        server = server.listen_tls(listener, tls);
    }
    Running { shutdown: server.shutdown().clone(), signal, task: tokio::spawn(server.into_future()) }
}

/// Returns a self-signed certificate for `localhost`: the server's configuration, and the
/// certificate for clients, in DER.
pub(super) fn certificate() -> Result<(TlsConfig, Vec<u8>), String> {
    let make = || -> Result<_, rcgen::Error> {
        let key = KeyPair::generate()?;
        Ok((CertificateParams::new(["localhost".to_owned()])?.self_signed(&key)?, key))
    };
    let (certificate, key) = make().map_err(|error| error.to_string())?;
    let tls = TlsConfig::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes());
    Ok((tls.map_err(|error| error.to_string())?, certificate.der().to_vec()))
}

//! Connections from a listener.

use std::{io, sync::Arc};

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig, server::TlsStream};

/// Serves each connection in a task of its own.
pub(super) async fn accept<F>(listener: TcpListener, connection: impl Fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let (io, _) = listener.accept().await?;
        io.set_nodelay(true)?;
        tokio::spawn(connection(io));
    }
}

/// Serves connections with TLS. Each has a task from its TLS handshake on.
pub(super) async fn accept_tls<F, C>(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    connection: C,
) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
    C: Fn(TlsStream<TcpStream>) -> F + Clone + Send + 'static,
{
    let tls = TlsAcceptor::from(config);
    accept(listener, move |io| {
        let (tls, connection) = (tls.clone(), connection.clone());
        async move {
            // If the handshake fails, the client has gone away.
            if let Ok(io) = tls.accept(io).await {
                connection(io).await;
            }
        }
    })
    .await
}

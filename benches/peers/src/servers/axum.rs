//! axum's extractor.

use std::{io, sync::Arc};

use axum::{
    Router,
    extract::ws::{Message, WebSocketUpgrade},
    http::Uri,
    routing::any,
    serve::ListenerExt,
};
use bytes::Bytes;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{rustls::ServerConfig, server::TlsStream};

use super::{
    accepting::accept_tls,
    conversation::{Data, converse},
    limits::MAX_MESSAGE,
};

pub(super) async fn serve(listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
    let upgrade = async |upgrade: WebSocketUpgrade, uri: Uri| {
        let upgrade = upgrade.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE);
        upgrade.on_upgrade(async move |socket| converse(socket, uri.path()).await)
    };
    let paths = ["/echo", "/sink", "/pub/{count}", "/sub/{number}"];
    let app = paths.into_iter().fold(Router::new(), |app, path| app.route(path, any(upgrade)));
    if let Some(tls) = tls {
        return accept_tls(listener, tls, move |io| tls_connection(io, app.clone())).await;
    }
    let listener = listener.tap_io(|io| {
        // It fails if the client has gone away.
        let _ = io.set_nodelay(true);
    });
    axum::serve(listener, app).await
}

/// `axum::serve` has no TLS, so this is axum's example `low-level-rustls`.
async fn tls_connection(io: TlsStream<TcpStream>, app: Router) {
    let service = TowerToHyperService::new(app);
    // It fails if the client goes away.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection_with_upgrades(TokioIo::new(io), service)
        .await;
}

impl Data for Message {
    fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }

    fn from_bytes(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }

    fn into_bytes(self) -> Bytes {
        self.into_data()
    }
}

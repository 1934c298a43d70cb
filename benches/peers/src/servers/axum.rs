//! axum's extractor.

use std::io;

use axum::{
    Router,
    extract::ws::{Message, WebSocketUpgrade},
    http::Uri,
    routing::any,
    serve::ListenerExt,
};
use bytes::Bytes;
use tokio::net::TcpListener;

use super::{
    conversation::{Data, converse},
    limits::MAX_MESSAGE,
};

pub(super) async fn serve(listener: TcpListener) -> io::Result<()> {
    let upgrade = async |upgrade: WebSocketUpgrade, uri: Uri| {
        let upgrade = upgrade.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE);
        upgrade.on_upgrade(async move |socket| converse(socket, uri.path()).await)
    };
    let paths = ["/echo", "/pub/{count}", "/sub/{number}"];
    let app = paths.into_iter().fold(Router::new(), |app, path| app.route(path, any(upgrade)));
    let listener = listener.tap_io(|io| {
        // Where it fails the connection is gone.
        let _ = io.set_nodelay(true);
    });
    axum::serve(listener, app).await
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

//! axum's extractor.

use std::io;

use axum::{
    Router,
    extract::ws::{Message, WebSocketUpgrade},
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
    let route = |path| {
        any(async move |upgrade: WebSocketUpgrade| {
            let upgrade = upgrade.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE);
            upgrade.on_upgrade(move |socket| converse(socket, path))
        })
    };
    let app =
        ["/echo", "/pub", "/sub"].into_iter().fold(Router::new(), |app, path| app.route(path, route(path)));
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

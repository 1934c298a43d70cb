//! A client that sees every byte.

use std::{future::Future, time::Duration};

use bytes::{Buf, BytesMut};
use http::{Response, StatusCode, header::CONTENT_LENGTH};
use raw_client::{frame, opening::request_to, whole::TEXT};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_tungstenite::WebSocketStream;
use tower_websocket::tungstenite::protocol::Role;

/// Returns the head of a valid opening handshake.
pub(crate) fn head(target: &str) -> String {
    request_to("server.example.com", target, "")
}

/// Returns a masked text message in one frame.
pub(crate) fn text_frame(text: &str) -> Vec<u8> {
    frame(TEXT, text.as_bytes())
}

/// Awaits `future`, which must not hang. The timeout is longer than any default of the crate, for
/// paused clocks.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(60), future).await.expect("it hangs")
}

/// One connection, seen from the client.
pub(crate) struct Wire<IO> {
    io: IO,
    unread: BytesMut,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Wire<IO> {
    pub(crate) fn new(io: IO) -> Self {
        Self { io, unread: BytesMut::new() }
    }

    /// Sends `bytes` in one write.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon(self.io.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Shuts the client's side down.
    pub(crate) async fn finish(&mut self) {
        self.io.shutdown().await.unwrap();
    }

    /// Receives a response, and its body if it has a length.
    pub(crate) async fn response(&mut self) -> Response<String> {
        let end = loop {
            match self.unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => assert!(self.read().await > 0, "ended within a head: {:?}", self.unread),
            }
        };
        let head = self.unread.split_to(end);
        let mut lines = std::str::from_utf8(&head).unwrap().split("\r\n").filter(|line| !line.is_empty());
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).unwrap();
        let response = Response::builder().status(&status[..3]);
        let response = lines.fold(response, |response, line| {
            let (name, value) = line.split_once(": ").unwrap();
            response.header(name, value)
        });
        let mut response = response.body(String::new()).unwrap();
        if let Some(length) = response.headers().get(CONTENT_LENGTH) {
            let length: usize = length.to_str().unwrap().parse().unwrap();
            while self.unread.len() < length {
                assert!(self.read().await > 0, "ended within a body: {:?}", self.unread);
            }
            *response.body_mut() = String::from_utf8(self.unread.split_to(length).to_vec()).unwrap();
        }
        response
    }

    /// Returns the bytes until the server ends the stream.
    pub(crate) async fn until_end(mut self) -> Vec<u8> {
        while self.read().await > 0 {}
        self.unread.to_vec()
    }

    /// Opens a WebSocket at `target`.
    pub(crate) async fn open(mut self, target: &str) -> WebSocketStream<IO> {
        self.send(head(target)).await;
        assert_eq!(self.response().await.status(), StatusCode::SWITCHING_PROTOCOLS);
        self.into_websocket().await
    }

    /// Returns the client's end of the WebSocket, after the response.
    pub(crate) async fn into_websocket(mut self) -> WebSocketStream<IO> {
        let unread = self.unread.copy_to_bytes(self.unread.len()).to_vec();
        WebSocketStream::from_partially_read(self.io, unread, Role::Client, None).await
    }

    async fn read(&mut self) -> usize {
        soon(self.io.read_buf(&mut self.unread)).await.unwrap()
    }
}

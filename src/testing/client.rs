//! The client's side of an open WebSocket.

use std::{
    fmt,
    future::Future,
    panic::Location,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use futures_util::{SinkExt, StreamExt};
use http::{Response, header::SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::WebSocketStream;
use tungstenite::{Error, Message, protocol::Role};

use super::timeout::within_a_day;
use crate::{
    close::{CloseCode, CloseReason},
    config::Config,
    deflate::NegotiatedDeflate,
    io::UpgradedIo,
    websocket::{ConnectionGuard, Negotiated, WebSocket, WebSocketId},
};

/// The client's side of an open WebSocket, for a test: a [`Stream`] and a [`Sink`] of [`Message`]s.
///
/// It is the socket that a [`Connector`](crate::Connector) opens, without keepalive and close
/// timeout, so that nothing happens but what the test does. Pings are answered while it receives or
/// sends. Messages have at most 64 MiB, and leave unfragmented. Dropping it ends the stream without
/// a Close, as a client that crashes does.
pub struct Client {
    /// `None` once it is taken out.
    socket: Option<WebSocket>,
    response: Response<()>,
}

/// Longer than any wait of a test.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const MAX_MESSAGE: usize = 64 << 20;

impl Client {
    /// What was read beyond the response comes with the IO.
    pub(super) fn new((io, unread): (UpgradedIo, Bytes), response: Response<()>) -> Self {
        let config = Config::new()
            .max_message_size(MAX_MESSAGE)
            .max_frame_size(MAX_MESSAGE)
            .max_outgoing_frame_size(None)
            .keepalive_interval(None)
            .close_timeout(NEVER);
        let negotiated = Negotiated {
            id: WebSocketId::next(),
            role: Role::Client,
            config: config.into_values(),
            permit: ConnectionGuard::acquire(None, None).expect("nothing limits it"),
            protocol: None,
            deflate: NegotiatedDeflate::default(),
            trace: None,
        };
        Self { socket: Some(WebSocket::new(io, &unread, negotiated)), response }
    }

    fn socket(&mut self) -> &mut WebSocket {
        self.socket.as_mut().expect("only `into_inner` takes it out")
    }

    /// Returns the accepting response.
    pub fn response(&self) -> &Response<()> {
        &self.response
    }

    /// Returns the subprotocol that the service selected.
    pub fn protocol(&self) -> Option<&str> {
        self.response.headers().get(SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// Returns tungstenite's error, for example if the socket is closed.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.socket().send(message).await
    }

    /// Receives the next message, of any kind; `None` at the end.
    ///
    /// # Errors
    ///
    /// Returns tungstenite's error, for example if the stream ends without a Close.
    ///
    /// # Panics
    ///
    /// Panics if nothing comes within a day.
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Option<Result<Message, Error>>> + Send + '_ {
        let caller = Location::caller();
        within_a_day(self.socket().recv(), caller, "nothing comes")
    }

    /// Receives a text message and returns its text; pings and pongs are skipped.
    ///
    /// # Panics
    ///
    /// Panics if the next message is something else, or if none comes within a day.
    #[track_caller]
    pub fn recv_text(&mut self) -> impl Future<Output = String> + Send + '_ {
        let caller = Location::caller();
        async move {
            match within_a_day(self.next_data(), caller, "no text comes").await {
                Some(Ok(Message::Text(text))) => text.to_string(),
                Some(Ok(other)) => panic!("{caller}: no text comes, but {other:?}"),
                Some(Err(error)) => panic!("{caller}: no text comes, but an error: {error}"),
                None => panic!("{caller}: no text comes, but the end"),
            }
        }
    }

    async fn next_data(&mut self) -> Option<Result<Message, Error>> {
        loop {
            match self.socket().recv().await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                next => return next,
            }
        }
    }

    /// Receives a value as JSON; pings and pongs are skipped. With the feature `json`.
    ///
    /// # Panics
    ///
    /// As [`recv_text`](Self::recv_text), and if the text is not the JSON of a `T`.
    #[cfg(feature = "json")]
    #[track_caller]
    pub fn recv_json<T: serde::de::DeserializeOwned>(&mut self) -> impl Future<Output = T> + Send + '_ {
        let caller = Location::caller();
        let text = self.recv_text();
        async move {
            let text = text.await;
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{caller}: {error}, in {text}"))
        }
    }

    /// Sends `value` as JSON, in a text message. With the feature `json`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Panics
    ///
    /// Panics if `value` cannot be serialized.
    #[cfg(feature = "json")]
    pub async fn send_json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let text = serde_json::to_string(value).expect("a test's value has JSON");
        self.send(text).await
    }

    /// Sends Close, and returns how the server closed; see [`closed`](Self::closed). A reason
    /// longer than 123 bytes is cut.
    ///
    /// # Panics
    ///
    /// Panics if there is no end within a day.
    #[track_caller]
    pub fn close(
        &mut self,
        code: CloseCode,
        reason: impl AsRef<str>,
    ) -> impl Future<Output = (u16, String)> + Send {
        let caller = Location::caller();
        let frame = code.frame(CloseReason::truncated(reason.as_ref()));
        let close = async {
            // Where it cannot be sent, the server has closed already.
            let _ = self.send(Message::Close(Some(frame))).await;
            self.rest().await
        };
        within_a_day(close, caller, "the connection does not end")
    }

    /// Receives until the end, and returns how the server closed: code and reason of its Close,
    /// 1005 if that had no code, 1006 if there was no Close. Messages that come before are
    /// discarded.
    ///
    /// # Panics
    ///
    /// Panics if there is no end within a day.
    #[track_caller]
    pub fn closed(&mut self) -> impl Future<Output = (u16, String)> + Send + '_ {
        within_a_day(self.rest(), Location::caller(), "the connection does not end")
    }

    async fn rest(&mut self) -> (u16, String) {
        let mut closed = (1006, String::new());
        while let Some(Ok(message)) = self.socket().recv().await {
            match message {
                Message::Close(Some(frame)) => closed = (frame.code.into(), frame.reason.to_string()),
                Message::Close(None) => closed.0 = 1005,
                _ => {}
            }
        }
        // The server ends the stream.
        let _ = self.socket().close(None, "").await;
        closed
    }

    /// Returns tokio-tungstenite's stream over the IO, to do what a well-behaved client does not.
    /// Waits until everything that was sent is written.
    ///
    /// # Panics
    ///
    /// Panics if the connection is closing, and if a part of a message has arrived.
    #[track_caller]
    pub fn into_inner(mut self) -> impl Future<Output = WebSocketStream<UpgradedIo>> + Send {
        let caller = Location::caller();
        async move {
            let socket = self.socket.take().expect("it is taken out once");
            let inner = within_a_day(socket.into_inner(), caller, "what was sent is not written").await;
            inner.unwrap_or_else(|error| panic!("{caller}: {error}"))
        }
    }
}

impl Stream for Client {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.socket().poll_next_unpin(cx)
    }
}

impl Sink<Message> for Client {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.socket().poll_ready_unpin(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.socket().start_send_unpin(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.socket().poll_flush_unpin(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.socket().poll_close_unpin(cx)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.take() {
            socket.abort();
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("response", &self.response).finish_non_exhaustive()
    }
}

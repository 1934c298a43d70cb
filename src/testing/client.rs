//! The client side of an open WebSocket.

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

/// The client side of an open WebSocket in a test: a [`Stream`] and a [`Sink`] of [`Message`]s.
///
/// It is the socket that a [`Connector`](crate::Connector) opens, but without keepalive and close
/// timeout, so that nothing happens that the test does not do. It answers pings while it receives
/// or sends. Messages may have up to 64 MiB, and are sent unfragmented. Dropping the client ends
/// the stream without a Close, like a client that crashes.
///
/// # Examples
///
/// ```
/// use http::{Request, Response};
/// use tower::service_fn;
/// use tower_websocket::{
///     CloseCode, Handshake, Message, Rejection, WebSocket, WebSocketUpgradeLayer,
///     testing::connect,
/// };
///
/// async fn handshake(request: Request<Handshake>) -> Result<Response<()>, Rejection> {
///     let mut handshake = request.into_body();
///     handshake.select_protocol(["echo"]);
///     Ok(handshake.accept(()))
/// }
///
/// async fn echo(mut socket: WebSocket, (): ()) {
///     while let Some(Ok(message)) = socket.recv_data().await {
///         let _ = socket.send(message).await;
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let service = WebSocketUpgradeLayer::new(service_fn(handshake), echo).into_service();
/// let request = Request::get("/").header("sec-websocket-protocol", "echo");
/// let mut client = connect(service, request).await.unwrap();
/// assert_eq!(client.protocol(), Some("echo"));
/// assert_eq!(client.response().status(), 101);
///
/// client.send(vec![1, 2, 3]).await.unwrap();
/// assert_eq!(client.recv().await.unwrap().unwrap(), Message::binary(vec![1, 2, 3]));
///
/// let (code, reason) = client.close(CloseCode::NORMAL, "done").await;
/// assert_eq!((code, &*reason), (1000, "done"));
/// # }
/// ```
pub struct Client {
    /// `None` once `into_inner` has taken it.
    socket: Option<WebSocket>,
    response: Response<()>,
}

/// A time that no test waits.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const MAX_MESSAGE: usize = 64 << 20;

impl Client {
    /// `unread` is data that was read beyond the response.
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
            guard: ConnectionGuard::acquire(None, None).expect("nothing limits it"),
            protocol: None,
            deflate: NegotiatedDeflate::default(),
            trace: None,
        };
        Self { socket: Some(WebSocket::new(io, &unread, negotiated)), response }
    }

    fn socket(&mut self) -> &mut WebSocket {
        self.socket.as_mut().expect("only `into_inner` takes it out")
    }

    /// Returns the head of the 101 response.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn response(&self) -> &Response<()> {
        &self.response
    }

    /// Returns the subprotocol that the service selected.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn protocol(&self) -> Option<&str> {
        self.response.headers().get(SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// Returns tungstenite's error, for example if the socket is closed.
    ///
    /// # Examples
    ///
    /// See the [example](Self#examples) of the type.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.socket().send(message).await
    }

    /// Receives the next message of any kind, or returns `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// Returns tungstenite's error, for example if the stream ends without a Close.
    ///
    /// # Panics
    ///
    /// Panics if no message arrives within a day.
    ///
    /// # Examples
    ///
    /// See the [example](Self#examples) of the type.
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Option<Result<Message, Error>>> + Send + '_ {
        let caller = Location::caller();
        within_a_day(self.socket().recv(), caller, "no message arrived")
    }

    /// Receives a text message and returns its text. Skips pings and pongs.
    ///
    /// # Panics
    ///
    /// Panics if the next message is not text, or if no message arrives within a day.
    ///
    /// # Examples
    ///
    /// See the [example](super) of the module.
    #[track_caller]
    pub fn recv_text(&mut self) -> impl Future<Output = String> + Send + '_ {
        let caller = Location::caller();
        async move {
            match within_a_day(self.next_data(), caller, "no text message arrived").await {
                Some(Ok(Message::Text(text))) => text.to_string(),
                Some(Ok(other)) => panic!("{caller}: expected a text message, received {other:?}"),
                Some(Err(error)) => panic!("{caller}: expected a text message, receiving failed: {error}"),
                None => panic!("{caller}: expected a text message, the stream has ended"),
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

    /// Receives a text message and deserializes its JSON.
    ///
    /// Skips pings and pongs. Requires the feature `json`.
    ///
    /// # Panics
    ///
    /// Panics as [`recv_text`](Self::recv_text) does, and if the text is not the JSON of a `T`.
    ///
    /// # Examples
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use tower_websocket::{WebSocket, testing::pair};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Sum {
    ///     values: Vec<u32>,
    ///     total: u32,
    /// }
    ///
    /// async fn add(mut socket: WebSocket) {
    ///     while let Some(Ok(mut sum)) = socket.recv_json::<Sum>().await {
    ///         sum.total = sum.values.iter().sum();
    ///         let _ = socket.send_json(&sum).await;
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let (socket, mut client) = pair();
    /// tokio::spawn(socket.drive(add));
    /// client.send_json(&Sum { values: vec![1, 2], total: 0 }).await.unwrap();
    /// assert_eq!(client.recv_json::<Sum>().await.total, 3);
    /// # }
    /// ```
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

    /// Serializes `value` as JSON and sends it in a text message. Requires the feature `json`.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`send`](Self::send).
    ///
    /// # Panics
    ///
    /// Panics if `value` cannot be serialized.
    ///
    /// # Examples
    ///
    /// See the [example](Self::recv_json) of `recv_json`.
    #[cfg(feature = "json")]
    pub async fn send_json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let text = serde_json::to_string(value).expect("the value can be serialized as JSON");
        self.send(text).await
    }

    /// Sends a Close, then receives until the end of the stream and returns how the server closed;
    /// see [`closed`](Self::closed).
    ///
    /// A reason longer than 123 bytes is truncated.
    ///
    /// # Panics
    ///
    /// Panics if the stream does not end within a day.
    ///
    /// # Examples
    ///
    /// See the [example](Self#examples) of the type.
    #[track_caller]
    pub fn close(
        &mut self,
        code: CloseCode,
        reason: impl AsRef<str>,
    ) -> impl Future<Output = (u16, String)> + Send {
        let caller = Location::caller();
        let frame = code.frame(CloseReason::truncated(reason.as_ref()));
        let close = async {
            // If sending fails, the server has already closed.
            let _ = self.send(Message::Close(Some(frame))).await;
            self.rest().await
        };
        within_a_day(close, caller, "the connection does not end")
    }

    /// Receives until the end of the stream, and returns the code and reason of the server's Close.
    ///
    /// The code is 1005 if the Close has none, and 1006 without a Close. Messages that arrive
    /// before the end are discarded.
    ///
    /// # Panics
    ///
    /// Panics if the stream does not end within a day.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{CloseCode, WebSocket, testing::pair};
    ///
    /// async fn refuse(mut socket: WebSocket) {
    ///     let _ = socket.close(CloseCode::POLICY_VIOLATION, "not today").await;
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let (socket, mut client) = pair();
    /// tokio::spawn(socket.drive(refuse));
    /// assert_eq!(client.closed().await, (1008, "not today".to_owned()));
    /// # }
    /// ```
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
        // Waits until the server ends the stream.
        let _ = self.socket().close(None, "").await;
        closed
    }

    /// Returns tokio-tungstenite's stream over the IO, for tests of misbehaving clients.
    ///
    /// Waits until everything that was sent is written.
    ///
    /// # Panics
    ///
    /// Panics if the connection is closing, or if part of a message has arrived.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::StreamExt;
    /// use tokio::io::AsyncWriteExt;
    /// use tower_websocket::{WebSocket, testing::pair};
    ///
    /// async fn ignore(mut socket: WebSocket) {
    ///     while let Some(Ok(_)) = socket.recv().await {}
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let (socket, client) = pair();
    /// tokio::spawn(socket.drive(ignore));
    ///
    /// // A text message without a mask, which is a protocol violation.
    /// let mut stream = client.into_inner().await;
    /// stream.get_mut().write_all(b"\x81\x05hello").await.unwrap();
    /// let message = stream.next().await.unwrap().unwrap();
    /// assert!(message.is_close());
    /// # }
    /// ```
    #[track_caller]
    pub fn into_inner(mut self) -> impl Future<Output = WebSocketStream<UpgradedIo>> + Send {
        let caller = Location::caller();
        async move {
            let socket = self.socket.take().expect("it is taken out once");
            let inner = within_a_day(socket.into_inner(), caller, "sent messages were not written").await;
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

//! Handlers that use tokio-tungstenite's stream.

use std::{future::Future, pin::Pin, sync::Arc};

use tokio_tungstenite::WebSocketStream;

use crate::{close::CloseCode, io::UpgradedIo, websocket::WebSocket};

/// Converts a handler of tokio-tungstenite's [`WebSocketStream`] into a handler for a
/// [`WebSocketUpgradeLayer`](crate::WebSocketUpgradeLayer).
///
/// Use it for code that was written for that stream. The handler has to do everything itself:
///
/// - It is responsible for keepalive, timeouts and the closing handshake.
/// - At a shutdown, 1001 is not sent. The connection counts until the handler returns, and
///   [`Shutdown::drain`](crate::Shutdown::drain) drops the handler when its timeout expires.
/// - Compression must be off. If it was negotiated, the connection is closed with 1011 and
///   `handler` is not called.
///
/// # Examples
///
/// ```
/// use futures_util::{SinkExt, StreamExt};
/// use tokio_tungstenite::WebSocketStream;
/// use tower_websocket::{
///     AcceptAll, WebSocketUpgradeLayer, io::UpgradedIo, upgrade::stream_handler,
/// };
///
/// async fn echo(mut stream: WebSocketStream<UpgradedIo>, (): ()) {
///     while let Some(Ok(message)) = stream.next().await {
///         if message.is_text() && stream.send(message).await.is_err() {
///             break;
///         }
///     }
/// }
///
/// let layer = WebSocketUpgradeLayer::new(AcceptAll, stream_handler(echo));
/// ```
pub fn stream_handler<T, F, Fut>(
    handler: F,
) -> impl Fn(WebSocket, T) -> Pin<Box<dyn Future<Output = ()> + Send>> + Clone + Send + Sync + 'static
where
    T: Send + 'static,
    F: Fn(WebSocketStream<UpgradedIo>, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let handler = Arc::new(handler);
    move |socket, extra| {
        let handler = Arc::clone(&handler);
        Box::pin(async move {
            match socket.into_inner().await {
                Ok(stream) => handler(stream, extra).await,
                Err(error) => {
                    let _ = error.into_socket().close(CloseCode::INTERNAL_ERROR, "").await;
                }
            }
        })
    }
}

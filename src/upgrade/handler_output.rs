//! The return types of handlers.

use std::fmt::Display;

/// The types that a handler of a [`WebSocketUpgradeLayer`](crate::WebSocketUpgradeLayer) can
/// return: `()`, or `Result<(), E>` where `E` implements [`Display`]. The trait is sealed.
///
/// An error closes the connection with 1011, unless it is already closing. The text of the error is
/// not sent to the peer. It is [`CloseInfo::error`](crate::close::CloseInfo::error) and, with the
/// feature `tracing`, the field `error` of the connection's span, and an event.
///
/// # Examples
///
/// ```
/// use tower_websocket::{Error, WebSocket, WebSocketUpgradeLayer};
///
/// async fn echo(mut socket: WebSocket) -> Result<(), Error> {
///     while let Some(message) = socket.recv_data().await {
///         socket.send(message?).await?;
///     }
///     Ok(())
/// }
///
/// let layer = WebSocketUpgradeLayer::accept_all(echo);
/// ```
#[diagnostic::on_unimplemented(
    message = "a WebSocket handler cannot return `{Self}`",
    label = "this handler's future resolves to `{Self}`",
    note = "a handler is an `async fn` that returns `()`, or `Result<(), E>` where `E` implements `Display`"
)]
pub trait HandlerOutput: IntoFailure {}

/// Seals [`HandlerOutput`].
#[expect(unnameable_types, reason = "it seals `HandlerOutput`")]
pub trait IntoFailure {
    /// Returns the text of the error, if it is one.
    fn into_failure(self) -> Option<String>;
}

impl HandlerOutput for () {}

impl IntoFailure for () {
    fn into_failure(self) -> Option<String> {
        None
    }
}

impl<E: Display> HandlerOutput for Result<(), E> {}

impl<E: Display> IntoFailure for Result<(), E> {
    fn into_failure(self) -> Option<String> {
        // In this form, error types with a chain of causes print all of them.
        self.err().map(|error| format!("{error:#}"))
    }
}

/// The type `!`, which cannot be named in stable Rust. A closure that only ends by a panic, or
/// never, returns it.
type Never = <fn() -> ! as Returns>::Output;

/// A function with a return type.
#[expect(unnameable_types, reason = "it need not be named")]
pub trait Returns {
    /// The return type.
    type Output;
}

impl<T> Returns for fn() -> T {
    type Output = T;
}

impl HandlerOutput for Never {}

impl IntoFailure for Never {
    fn into_failure(self) -> Option<String> {
        self
    }
}

#[cfg(test)]
mod tests;

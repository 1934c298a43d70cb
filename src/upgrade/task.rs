//! What runs on the task of a socket.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::{
    acceptor::Upgrading,
    io::Upgraded,
    trace::upgrade_failed,
    websocket::{Driver, WebSocket},
};

pin_project! {
    /// What runs on the task of a socket: it waits for the upgrade, then runs the handler.
    ///
    /// An `async` block would keep room for the first beside the second, for as long as the socket is open.
    #[project = HandlingProj]
    pub(crate) enum Handling<T, F, Fut: Future> {
        Upgrading { upgrading: Upgrading<T>, handler: Arc<F> },
        Running { #[pin] driver: Driver<Upgraded, Fut> },
    }
}

impl<T, F, Fut> Future for Handling<T, F, Fut>
where
    F: Fn(WebSocket, T) -> Fut,
    Fut: Future<Output = ()>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.as_mut().project() {
                HandlingProj::Upgrading { upgrading, handler } => {
                    let driver = match ready!(Pin::new(upgrading).poll(cx)) {
                        Ok((socket, extra)) => socket.drive(|socket| handler(socket, extra)),
                        Err(error) => {
                            upgrade_failed(&error);
                            return Poll::Ready(());
                        }
                    };
                    self.set(Self::Running { driver });
                }
                HandlingProj::Running { driver } => return driver.poll(cx).map(|_| ()),
            }
        }
    }
}

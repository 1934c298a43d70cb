//! The task of a WebSocket that a layer opens.

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
    /// Waits for the upgrade, then runs the handler with the open WebSocket.
    ///
    /// An `async` block would keep room for both at once, for as long as the WebSocket is open.
    #[project = UpgradeTaskProj]
    pub(crate) enum UpgradeTask<T, F, Fut: Future> {
        Upgrading { upgrading: Upgrading<T>, handler: Arc<F> },
        Running { #[pin] driver: Driver<Upgraded, Fut> },
    }
}

impl<T, F, Fut> Future for UpgradeTask<T, F, Fut>
where
    F: Fn(WebSocket, T) -> Fut,
    Fut: Future<Output = ()>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.as_mut().project() {
                UpgradeTaskProj::Upgrading { upgrading, handler } => {
                    let driver = match ready!(Pin::new(upgrading).poll(cx)) {
                        Ok((socket, extra)) => socket.drive(|socket| handler(socket, extra)),
                        Err(error) => {
                            upgrade_failed(&error);
                            return Poll::Ready(());
                        }
                    };
                    self.set(Self::Running { driver });
                }
                UpgradeTaskProj::Running { driver } => return driver.poll(cx).map(|_| ()),
            }
        }
    }
}

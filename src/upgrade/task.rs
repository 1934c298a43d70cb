//! The task of a WebSocket that was opened by a layer or an extractor.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use super::{HandlerOutput, reported::Reported};
use crate::{
    accept::{PendingUpgrade, UpgradeError},
    io::UpgradedIo,
    trace::upgrade_failed,
    websocket::{Driver, WebSocket},
};

pin_project! {
    /// Waits for the upgrade, then runs the handler with the open WebSocket.
    ///
    /// An `async` block would reserve memory for both steps while the WebSocket is open.
    #[project = UpgradeTaskProj]
    pub(crate) enum UpgradeTask<T, F, E, Fut: Future<Output: HandlerOutput>> {
        Upgrading { upgrading: PendingUpgrade<T>, callbacks: Option<(F, E)> },
        Running { #[pin] driver: Driver<UpgradedIo, Reported<Fut>> },
    }
}

impl<T, F, E, Fut> UpgradeTask<T, F, E, Fut>
where
    F: FnOnce(WebSocket, T) -> Fut,
    E: FnOnce(UpgradeError),
    Fut: Future<Output: HandlerOutput>,
{
    /// Creates a task that runs `handler`, or calls `on_failed` if the server does not hand over
    /// the IO.
    pub(crate) fn new(upgrading: PendingUpgrade<T>, handler: F, on_failed: E) -> Self {
        Self::Upgrading { upgrading, callbacks: Some((handler, on_failed)) }
    }
}

impl<T, F, E, Fut> Future for UpgradeTask<T, F, E, Fut>
where
    F: FnOnce(WebSocket, T) -> Fut,
    E: FnOnce(UpgradeError),
    Fut: Future<Output: HandlerOutput>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.as_mut().project() {
                UpgradeTaskProj::Upgrading { upgrading, callbacks } => {
                    let upgraded = ready!(Pin::new(upgrading).poll(cx));
                    let (handler, on_failed) =
                        callbacks.take().expect("the task is `Running` once the upgrade is ready");
                    let driver = match upgraded {
                        Ok((socket, extra)) => socket.drive(|socket| Reported::new(handler(socket, extra))),
                        Err(error) => {
                            upgrade_failed(&error);
                            on_failed(error);
                            return Poll::Ready(());
                        }
                    };
                    self.set(Self::Running { driver });
                }
                UpgradeTaskProj::Running { driver } => return driver.poll_reporting(cx),
            }
        }
    }
}

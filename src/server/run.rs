//! The server's main loop.

use std::{
    future::{Future, pending, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::unconstrained,
    time::timeout,
};

use super::{
    HttpService, connection::ConnectionContext, port::Accept, ports::Ports, settings::ServerSettings,
};
use crate::shutdown::{Shutdown, Stage};

/// A server that is ready to [run](Self::run).
pub(super) struct Server<S> {
    ports: Ports<S>,
    service: S,
    pub(super) shutdown: Shutdown,
    /// Completes when the server should shut down gracefully.
    pub(super) signal: Pin<Box<dyn Future<Output = ()> + Send>>,
    pub(super) drain_timeout: Duration,
    pub(super) drain_spread: Duration,
    pub(super) max_connections: Option<usize>,
    pub(super) settings: ServerSettings,
}

impl<S> Server<S> {
    pub(super) fn new(service: S) -> Self {
        Self {
            ports: Ports::new(),
            service,
            shutdown: Shutdown::new(),
            signal: Box::pin(pending()),
            drain_timeout: Duration::from_secs(30),
            drain_spread: Duration::ZERO,
            max_connections: None,
            settings: ServerSettings::default(),
        }
    }

    pub(super) fn listen(&mut self, port: impl Accept<S> + 'static) {
        self.ports.push(port);
    }
}

impl<S: HttpService> Server<S> {
    /// Accepts and serves connections until the signal completes, then waits for the open ones.
    pub(super) async fn run(self) -> io::Result<()> {
        let Self {
            mut ports,
            service,
            shutdown,
            mut signal,
            drain_timeout,
            drain_spread,
            max_connections,
            settings,
        } = self;
        let (stage, running) = watch::channel(Stage::Running);
        let mut context = ConnectionContext {
            service,
            shutdown: shutdown.clone(),
            http1: settings.http1(),
            settings: Arc::new(settings),
            stage: running,
        };

        let limit = max_connections.map(|limit| Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))));
        loop {
            let accepting = async {
                let mut permit = acquire(limit.as_ref()).await;
                poll_fn(|cx| ports.poll_accept(cx, &mut context, &mut permit)).await;
            };
            tokio::select! {
                biased;
                () = &mut signal => break,
                () = accepting => {}
            }
        }
        // Without tokio's cooperative budget, which would end the loop early.
        unconstrained(poll_fn(|cx| ports.poll_last(cx, &mut context, limit.as_ref()))).await;
        // Now other processes can listen on the address. Only connections still hold a receiver of
        // the stage.
        drop((ports, context));
        stage.send_replace(Stage::Draining);
        if !drain_spread.is_zero() {
            shutdown.start_spread(drain_spread);
        }
        let sockets = shutdown.drain(drain_timeout);
        // A request in progress may still open a socket, so connections are told to end first.
        let http = timeout(drain_timeout, stage.closed());
        let (_, http) = tokio::join!(sockets, http);
        if http.is_err() {
            stage.send_replace(Stage::Dropping);
        }
        Ok(())
    }
}

/// Waits until the limit allows one more connection.
async fn acquire(limit: Option<&Arc<Semaphore>>) -> Option<OwnedSemaphorePermit> {
    // The semaphore is never closed.
    Arc::clone(limit?).acquire_owned().await.ok()
}

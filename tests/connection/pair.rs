//! A driven socket and its peer, in memory.

use std::{future::Future, io, panic::resume_unwind, time::Duration};

use raw_client::{
    frame, read_frame,
    whole::{CLOSE, PING, TEXT},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Handle,
    task::{JoinHandle, yield_now},
    time::{Instant, timeout},
};
use tower_websocket::{AcceptAll, Acceptor, Config, Shutdown, WebSocket};

use crate::transport::Transport;

pub(crate) type Socket<T> = WebSocket<<T as Transport>::Io>;

/// A client that sends and receives raw frames, and the state to check that its server leaves
/// nothing behind.
pub(crate) struct Pair<T: Transport> {
    io: T::Client,
    shutdown: Shutdown,
    driver: Option<JoinHandle<()>>,
    is_finished: bool,
}

/// Opens a socket on which `handler` runs.
pub(crate) async fn drive<T, Fut>(config: Config, handler: impl FnOnce(Socket<T>) -> Fut) -> Pair<T>
where
    T: Transport,
    Fut: Future<Output = ()> + Send + 'static,
{
    drive_counted(Shutdown::new(), config, handler).await
}

/// The same, counted by `shutdown`.
pub(crate) async fn drive_counted<T, Fut>(
    shutdown: Shutdown,
    config: Config,
    handler: impl FnOnce(Socket<T>) -> Fut,
) -> Pair<T>
where
    T: Transport,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (mut pair, socket) = open_counted::<T>(shutdown, config, 1 << 20, None).await;
    let driver = socket.drive(handler);
    pair.driver = Some(tokio::spawn(async { driver.await.unwrap_or_default() }));
    pair
}

/// Opens a socket without a driver. `room` is the number of bytes that the transport buffers.
pub(crate) async fn open<T: Transport>(config: Config, room: usize) -> (Pair<T>, Socket<T>) {
    open_with(config, room, None).await
}

/// The same, with the extensions that the client offers.
pub(crate) async fn open_with<T: Transport>(
    config: Config,
    room: usize,
    offer: Option<&str>,
) -> (Pair<T>, Socket<T>) {
    open_counted(Shutdown::new(), config, room, offer).await
}

async fn open_counted<T: Transport>(
    shutdown: Shutdown,
    config: Config,
    room: usize,
    offer: Option<&str>,
) -> (Pair<T>, Socket<T>) {
    let acceptor = Acceptor::new(AcceptAll).with_config(config.with_shutdown(&shutdown));
    let (io, socket) = T::connect(acceptor, room, offer).await;
    (Pair { io, shutdown, driver: None, is_finished: false }, socket)
}

/// Polls every task until it waits.
pub(crate) async fn settle() {
    for _ in 0..300 {
        yield_now().await;
    }
}

/// Returns the number of tasks besides those of the transport.
pub(crate) fn tasks<T: Transport>() -> usize {
    Handle::current().metrics().num_alive_tasks() - T::TASKS
}

impl<T: Transport> Pair<T> {
    pub(crate) async fn send(&mut self, first: u8, payload: impl AsRef<[u8]>) {
        self.send_raw(&frame(first, payload.as_ref())).await;
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        self.io.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn try_send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.io.write_all(bytes).await
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.send(TEXT, text).await;
    }

    /// Returns the next frame: its first byte and its payload.
    pub(crate) async fn recv(&mut self) -> (u8, Vec<u8>) {
        self.try_recv().await.expect("a frame, not the end of the stream")
    }

    /// Returns the next frame, or `None` at the end of the stream.
    pub(crate) async fn try_recv(&mut self) -> Option<(u8, Vec<u8>)> {
        read_frame(&mut self.io).await
    }

    /// Returns the client's end of the stream.
    pub(crate) fn io(&mut self) -> &mut T::Client {
        &mut self.io
    }

    /// Returns the next `len` bytes, without time passing.
    pub(crate) async fn recv_raw(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.io.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    /// Returns the payload of the next frame, which must be a ping of the connection itself.
    pub(crate) async fn recv_ping(&mut self) -> Vec<u8> {
        let (first, payload) = self.recv().await;
        assert!(first == PING && is_keepalive(&payload), "{first:#x}: {payload:?}");
        payload
    }

    pub(crate) async fn recv_text(&mut self) -> String {
        let (first, payload) = self.recv().await;
        assert_eq!(first, TEXT, "{payload:?}");
        String::from_utf8(payload).unwrap()
    }

    /// Returns the code and the reason of the next frame, which must be a Close.
    pub(crate) async fn recv_close(&mut self) -> (u16, String) {
        let (first, payload) = self.recv().await;
        assert_eq!(first, CLOSE, "{payload:?}");
        if payload.is_empty() {
            return (1005, String::new());
        }
        let code = u16::from_be_bytes([payload[0], payload[1]]);
        (code, String::from_utf8(payload[2..].to_vec()).unwrap())
    }

    pub(crate) async fn send_close(&mut self, code: u16, reason: &str) {
        self.send(CLOSE, [&code.to_be_bytes(), reason.as_bytes()].concat()).await;
    }

    /// Answers a Close, and checks that the server shuts the stream down.
    pub(crate) async fn answer_close(&mut self, code: u16) {
        assert_eq!(self.recv_close().await.0, code);
        self.send_close(code, "").await;
        self.eof().await;
    }

    pub(crate) async fn eof(&mut self) {
        assert_eq!(self.try_recv().await, None, "the end of the stream");
    }

    /// Half-closes: sends no more, but still reads. If the server is done, this may be too late.
    pub(crate) async fn half_close(&mut self) {
        let _ = self.io.shutdown().await;
    }

    /// Returns how many writes the server has made.
    pub(crate) fn writes(&self) -> usize {
        T::writes(&self.io)
    }

    pub(crate) fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Waits until the handler's task has ended, and checks that no task and no open socket is
    /// left.
    ///
    /// Every test ends here, while the client still exists: the server must not depend on the
    /// client to close, beyond the close timeout. A panic of the handler is resumed here.
    pub(crate) async fn finish(self) {
        finish([self]).await;
    }

    /// [`Pair::finish`] after the handler has panicked with `message`.
    pub(crate) async fn finish_panicked(mut self, message: &str) {
        let driver = self.driver.take().expect("the socket is driven");
        let panic = driver.await.expect_err("the handler panics").into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&message));
        self.finish().await;
    }
}

/// [`Pair::finish`] for several pairs that are open together.
pub(crate) async fn finish<T: Transport, const N: usize>(mut pairs: [Pair<T>; N]) {
    for pair in &mut pairs {
        pair.is_finished = true;
        if let Some(driver) = pair.driver.take() {
            if let Err(error) = driver.await {
                resume_unwind(error.into_panic());
            }
        }
        pair.shutdown.idle().await;
        T::finish(&mut pair.io).await;
    }
    // A finished task is counted until its worker has processed it.
    settle().await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), N * T::TASKS, "a task is left behind");
}

impl<T: Transport> Drop for Pair<T> {
    fn drop(&mut self) {
        assert!(self.is_finished || std::thread::panicking(), "the test does not call finish()");
    }
}

/// Awaits `future`. No time may pass.
pub(crate) async fn at_once<F: Future>(future: F) -> F::Output {
    let start = Instant::now();
    let output = timeout(Duration::from_secs(3600), future).await.expect("it comes within the hour");
    assert_eq!(start.elapsed(), Duration::ZERO, "time has passed");
    output
}

/// Returns whether a ping with this payload is one of the connection's own.
pub(crate) fn is_keepalive(payload: &[u8]) -> bool {
    payload.strip_prefix(b"tower-ws").is_some_and(|number| number.len() == 4)
}

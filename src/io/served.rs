//! The IO that this crate's server serves.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
    time::Instant,
};

/// A place under a server's limit of connections.
pub(crate) type Place = OwnedSemaphorePermit;

/// Writes of fewer bytes than this are HTTP/2's own talk, answers to pings and the like, or the end of something.
const WORTH_A_NOTE: usize = 256;

/// The IO that this crate's server serves: it notes how its peer takes what it is sent, and holds its place under the
/// limit of connections for as long as it lives. It belongs below TLS, which takes more than it passes on.
#[derive(Debug)]
pub(crate) struct Served<IO> {
    io: IO,
    pace: Arc<Pace>,
    place: Option<Place>,
}

/// How a peer takes what it is sent.
#[derive(Debug)]
pub(crate) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    taken: Instant,
    stuck_since: Option<Instant>,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { taken: Instant::now(), stuck_since: None }))
    }

    /// When it last took something of any size.
    pub(crate) fn taken(&self) -> Instant {
        self.with(|state| state.taken)
    }

    /// Since when there is something that it does not take.
    pub(crate) fn stuck_since(&self) -> Option<Instant> {
        self.with(|state| state.stuck_since)
    }

    /// `written` is how many bytes it has just taken, none where that is 0.
    fn note(&self, written: Poll<usize>) {
        self.with(|state| match written {
            Poll::Pending => {
                state.stuck_since.get_or_insert_with(Instant::now);
            }
            Poll::Ready(n) => {
                state.stuck_since = None;
                if n >= WORTH_A_NOTE {
                    state.taken = Instant::now();
                }
            }
        });
    }

    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<IO> Served<IO> {
    pub(crate) fn new(io: IO, pace: &Arc<Pace>, place: Option<Place>) -> Self {
        Self { io, pace: Arc::clone(pace), place }
    }

    pub(super) fn into_parts(self) -> (IO, Option<Place>) {
        (self.io, self.place)
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Served<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Served<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.pace.note(count(&written, |n| *n));
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.pace.note(count(&written, |n| *n));
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.pace.note(count(&flushed, |()| 0));
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut_down = Pin::new(&mut self.io).poll_shutdown(cx);
        self.pace.note(count(&shut_down, |()| 0));
        shut_down
    }
}

/// How many bytes that wrote. An error says that nothing waits any more.
fn count<T>(done: &Poll<io::Result<T>>, bytes: impl FnOnce(&T) -> usize) -> Poll<usize> {
    match done {
        Poll::Pending => Poll::Pending,
        Poll::Ready(done) => Poll::Ready(done.as_ref().map_or(0, bytes)),
    }
}

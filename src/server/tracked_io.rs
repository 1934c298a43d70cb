//! The IO of a connection, with a record of how the peer reads.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
    time::Instant,
};

use crate::io::{Held, Rewind, UpgradedIo};

/// How many bytes the peer must accept before they count as progress, in one write or in several
/// smaller ones.
const MIN_PROGRESS: usize = 256;

/// How many bytes of small writes may be replies to a byte that was read. Frames with which HTTP/2
/// itself replies, such as to pings, are at most this many times as long as those of the peer, so
/// they do not add up to progress. Data in small frames does, because a window update is shorter.
const REPLY_FACTOR: usize = 2;

/// The IO of a connection. It records how fast the peer accepts data, and holds the connection's
/// permit until it is dropped.
///
/// It must be below TLS, because TLS buffers more data than it writes.
#[derive(Debug)]
pub(super) struct TrackedIo<IO> {
    io: IO,
    progress: Arc<WriteProgress>,
    permit: Option<OwnedSemaphorePermit>,
}

/// Records when the peer accepted data, and whether data waits for it.
#[derive(Debug)]
pub(super) struct WriteProgress(Mutex<Writes>);

#[derive(Debug)]
struct Writes {
    last: Instant,
    /// How many bytes of small writes the peer has accepted since then, except replies.
    small: usize,
    blocked_since: Option<Instant>,
}

impl WriteProgress {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Writes { last: Instant::now(), small: 0, blocked_since: None }))
    }

    /// Returns when the peer had last accepted another [`MIN_PROGRESS`] bytes.
    pub(super) fn last(&self) -> Instant {
        self.with(|writes| writes.last)
    }

    /// Returns since when the peer accepts no data although some is waiting, or `None` if none is
    /// waiting.
    pub(super) fn blocked_since(&self) -> Option<Instant> {
        self.with(|writes| writes.blocked_since)
    }

    /// Records how many bytes the peer has accepted; 0 if no data waits any longer.
    fn record(&self, written: Poll<usize>) {
        self.with(|writes| match written {
            Poll::Pending => {
                writes.blocked_since.get_or_insert_with(Instant::now);
            }
            Poll::Ready(n) => {
                writes.blocked_since = None;
                writes.small += n;
                if writes.small >= MIN_PROGRESS {
                    writes.small = 0;
                    writes.last = Instant::now();
                }
            }
        });
    }

    /// Records how many bytes were read. The next small writes may be replies to them.
    fn record_read(&self, n: usize) {
        self.with(|writes| writes.small = writes.small.saturating_sub(REPLY_FACTOR * n));
    }

    fn with<R>(&self, f: impl FnOnce(&mut Writes) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<IO> TrackedIo<IO> {
    pub(super) fn new(io: IO, progress: &Arc<WriteProgress>, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { io, progress: Arc::clone(progress), permit }
    }
}

/// Recovers the IO of a connection without TLS from hyper's type, together with the bytes that were
/// read after the request.
pub(super) fn unwrap_io<IO>(
    upgraded: hyper::upgrade::Upgraded,
) -> Result<(UpgradedIo, Bytes), hyper::upgrade::Upgraded>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let parts = upgraded.downcast::<TokioIo<Rewind<TrackedIo<IO>>>>()?;
    let rewind = parts.io.into_inner().push_front(parts.read_buf);
    let (tracked, unread) = rewind.into_parts();
    let permit = tracked.permit.map(|permit| Box::new(permit) as Held);
    Ok(UpgradedIo::new(Rewind::new(tracked.io, unread), permit))
}

impl<IO: AsyncRead + Unpin> AsyncRead for TrackedIo<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        if read.is_ready() {
            self.progress.record_read(buf.filled().len() - before);
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for TrackedIo<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.progress.record(count(&written, |n| *n));
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.progress.record(count(&written, |n| *n));
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.progress.record(count(&flushed, |()| 0));
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut_down = Pin::new(&mut self.io).poll_shutdown(cx);
        self.progress.record(count(&shut_down, |()| 0));
        shut_down
    }
}

/// Returns how many bytes were written. After an error, no data waits any longer.
fn count<T>(done: &Poll<io::Result<T>>, bytes: impl FnOnce(&T) -> usize) -> Poll<usize> {
    match done {
        Poll::Pending => Poll::Pending,
        Poll::Ready(done) => Poll::Ready(done.as_ref().map_or(0, bytes)),
    }
}

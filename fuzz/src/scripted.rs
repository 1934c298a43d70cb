//! An IO that returns and accepts bytes in scripted pieces, with pauses.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How the peer's bytes end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Eof,
    Reset,
    /// They do not end: the peer is silent.
    Silence,
}

/// The sizes of the pieces. Each byte is one piece, repeated in a cycle. 0 is a pause, 201 and
/// above are all available bytes.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    sizes: Vec<u8>,
    unit: usize,
    at: usize,
    has_paused: bool,
}

impl Pieces {
    pub fn new(sizes: &[u8]) -> Self {
        Self { sizes: sizes.to_vec(), unit: 1, at: 0, has_paused: false }
    }

    /// Returns larger pieces, so that `len` bytes are not split into too many.
    pub fn scaled(mut self, len: usize) -> Self {
        self.unit = 1 + len / 1024;
        self
    }

    /// Returns the size of the next piece, or `None` for a pause. Two pauses never follow each
    /// other.
    fn next(&mut self) -> Option<usize> {
        if self.sizes.is_empty() {
            return Some(usize::MAX);
        }
        let size = self.sizes[self.at % self.sizes.len()];
        self.at += 1;
        match size {
            0 if !self.has_paused => {
                self.has_paused = true;
                None
            }
            size => {
                self.has_paused = false;
                Some(if size > 200 { usize::MAX } else { self.unit * usize::from(size.max(1)) })
            }
        }
    }
}

/// The state of a [`Scripted`] IO.
#[derive(Debug, Default)]
pub struct Record {
    pub written: Vec<u8>,
    pub is_shut_down: bool,
    /// How many bytes of the input were read.
    pub read: usize,
    pub is_dropped: bool,
    /// After how many bytes writing fails, if it does.
    pub max_written: Option<usize>,
}

/// A record that can be read while the IO is in use.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<Record>>);

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub struct Scripted {
    input: Vec<u8>,
    reads: Pieces,
    ending: Ending,
    writes: Pieces,
    /// This number of bytes is returned as the first piece.
    first: usize,
    record: Shared,
}

impl Scripted {
    pub fn new(input: Vec<u8>, reads: Pieces, ending: Ending, writes: Pieces) -> (Self, Shared) {
        let record = Shared::default();
        let io = Self { input, reads, ending, writes, first: 0, record: record.clone() };
        (io, record)
    }

    /// Returns the first `len` bytes as one piece.
    pub fn with_first(mut self, len: usize) -> Self {
        self.first = len;
        self
    }
}

impl AsyncRead for Scripted {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut record = this.record.lock();
        let rest = &this.input[record.read..];
        if rest.is_empty() {
            return match this.ending {
                Ending::Eof => Poll::Ready(Ok(())),
                Ending::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                Ending::Silence => Poll::Pending,
            };
        }
        let size = if record.read < this.first { Some(this.first - record.read) } else { this.reads.next() };
        let Some(size) = size else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        let size = size.min(rest.len()).min(buf.remaining());
        buf.put_slice(&rest[..size]);
        record.read += size;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let mut record = this.record.lock();
        assert!(!record.is_shut_down, "something is written after the shutdown");
        let room = record.max_written.unwrap_or(usize::MAX) - record.written.len();
        if room == 0 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let Some(size) = this.writes.next() else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        let size = size.min(bufs.iter().map(|buf| buf.len()).sum()).min(room);
        let end = record.written.len() + size;
        for buf in bufs {
            let size = buf.len().min(end - record.written.len());
            record.written.extend_from_slice(&buf[..size]);
        }
        Poll::Ready(Ok(size))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.record.lock().is_shut_down = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.record.lock().is_dropped = true;
    }
}

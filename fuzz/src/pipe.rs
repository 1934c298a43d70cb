//! An IO that accepts and returns exactly as much as it is told to, and wakes only the tasks that
//! it has to.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One end. Its state is shared with its [`Valve`].
#[derive(Debug)]
pub struct Pipe(Arc<Mutex<State>>);

/// Controls a [`Pipe`].
#[derive(Clone, Debug)]
pub struct Valve(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub struct State {
    /// The readable bytes, and whether the end of the stream or an error follows.
    pub input: VecDeque<u8>,
    pub has_ended: bool,
    pub read_error: Option<ErrorKind>,
    /// How many bytes can be written, and how many of them at a time.
    pub room: usize,
    pub max_write: usize,
    pub write_error: Option<ErrorKind>,
    /// Whether flushing and shutting down wait.
    pub is_stuck: bool,
    pub output: Vec<u8>,
    pub is_shut_down: bool,
    pub is_dropped: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    watcher: Option<Waker>,
}

pub fn pipe() -> (Pipe, Valve) {
    let state = State { room: usize::MAX, max_write: usize::MAX, ..State::default() };
    let state = Arc::new(Mutex::new(state));
    (Pipe(Arc::clone(&state)), Valve(state))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Valve {
    pub fn look<R>(&self, f: impl FnOnce(&State) -> R) -> R {
        f(&lock(&self.0))
    }

    /// Changes the state, and wakes the tasks that wait for it.
    pub fn turn(&self, f: impl FnOnce(&mut State)) {
        let mut state = lock(&self.0);
        f(&mut state);
        if !state.input.is_empty() || state.has_ended || state.read_error.is_some() {
            wake(&mut state.reader);
        }
        if state.room > 0 && !state.is_stuck || state.write_error.is_some() {
            wake(&mut state.writer);
        }
    }

    /// Ready when `f` is. It calls `f` again after each write.
    pub fn poll_watch<R>(&self, cx: &mut Context<'_>, f: impl FnOnce(&State) -> Option<R>) -> Poll<R> {
        let mut state = lock(&self.0);
        match f(&state) {
            Some(result) => Poll::Ready(result),
            None => {
                state.watcher = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

impl State {
    fn check_writable(&mut self, cx: &mut Context<'_>, is_ready: bool) -> Poll<io::Result<()>> {
        if let Some(error) = self.write_error {
            return Poll::Ready(Err(error.into()));
        }
        if is_ready {
            return Poll::Ready(Ok(()));
        }
        self.writer = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncRead for Pipe {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let state = &mut *lock(&self.0);
        let n = state.input.len().min(buf.remaining());
        if n > 0 {
            let (front, _) = state.input.as_slices();
            let n = n.min(front.len());
            buf.put_slice(&front[..n]);
            state.input.drain(..n);
            return Poll::Ready(Ok(()));
        }
        match state.read_error {
            Some(error) => Poll::Ready(Err(error.into())),
            None if state.has_ended => Poll::Ready(Ok(())),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let state = &mut *lock(&self.0);
        assert!(!state.is_shut_down, "something is written after the shutdown");
        let len = bufs.iter().map(|buf| buf.len()).sum::<usize>();
        let n = len.min(state.room).min(state.max_write);
        match state.check_writable(cx, n > 0) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
        let end = state.output.len() + n;
        for buf in bufs {
            let n = buf.len().min(end - state.output.len());
            state.output.extend_from_slice(&buf[..n]);
        }
        if state.room != usize::MAX {
            state.room -= n;
        }
        wake(&mut state.watcher);
        Poll::Ready(Ok(n))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *lock(&self.0);
        state.check_writable(cx, !state.is_stuck)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *lock(&self.0);
        let polled = state.check_writable(cx, !state.is_stuck);
        if polled.is_ready() {
            state.is_shut_down = true;
            wake(&mut state.watcher);
        }
        polled
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let state = &mut *lock(&self.0);
        state.is_dropped = true;
        wake(&mut state.watcher);
    }
}

//! How a connection gets from one phase to the next, on its way to the end.

use std::{
    io,
    pin::Pin,
    task::{Context, Waker},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tungstenite::{Error, error::ProtocolError, protocol::CloseFrame};

use super::{
    closing::{CloseCode, CloseReason, code_of},
    connection::{Connection, Phase},
};

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    /// Begins the closing handshake, unless it has begun.
    pub(super) fn begin_close(&mut self, code: CloseCode, reason: CloseReason) {
        if self.phase == Phase::Open {
            self.say(code.frame(reason));
            self.enter(Phase::Closing);
        }
    }

    /// Nobody will read any more; `code` tells the peer.
    pub(super) fn abandon(&mut self, code: CloseCode) {
        self.is_abandoned = true;
        match self.phase {
            Phase::Done => self.stream = None,
            _ => self.begin_close(code, CloseReason::default()),
        }
        self.wakers.wake_driver();
    }

    /// Does what can be done at once, as there will be no later.
    pub(super) fn part(&mut self) {
        let cx = &mut Context::from_waker(Waker::noop());
        let _ = self.poll_write(cx);
        if let Some(stream) = &mut self.stream {
            let _ = Pin::new(stream.get_mut()).poll_shutdown(cx);
        }
        self.end();
    }

    /// The last of those who looked after the connection is gone, and nobody takes its place.
    pub(super) fn leave(&mut self) {
        if !self.is_abandoned || self.is_over() || self.wakers.is_driven() {
            return;
        }
        if std::thread::panicking() {
            // It may be the IO that panics.
            self.end();
        } else {
            self.part();
        }
    }

    fn say(&mut self, frame: CloseFrame) {
        self.ended.get_or_insert_default().sent = Some(frame.clone());
        self.outbox.push_close(frame);
    }

    /// Reading has failed. The peer is told, where there is one to be told, and then the application.
    pub(super) fn fail(&mut self, error: Error) {
        self.ended.get_or_insert_default().error = Some(error.to_string());
        match code_of(&error) {
            Some(code) if self.phase == Phase::Open => {
                self.outbox.clear();
                self.say(code.frame(CloseReason::default()));
                self.enter(Phase::Failing);
            }
            _ => {
                if matches!(error, Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) {
                    self.outbox.pass_by();
                }
                self.finish();
            }
        }
        self.error = Some(error);
    }

    /// The peer has not answered a ping. It is told, if it can be, but not waited for.
    pub(super) fn time_out(&mut self, cx: &mut Context<'_>) {
        let error = io::Error::new(io::ErrorKind::TimedOut, "the peer did not answer a ping in time");
        self.ended.get_or_insert_default().error = Some(error.to_string());
        self.error = Some(error.into());
        self.outbox.clear();
        self.say(CloseCode::INTERNAL_ERROR.frame("keepalive timeout".into()));
        let _ = self.poll_write(cx);
        self.finish();
    }

    /// The frames are over. What was sent before still goes out, as the peer may only have shut down its own side.
    pub(super) fn finish(&mut self) {
        self.enter(Phase::Finishing);
    }

    /// Nothing is done with the IO any more.
    pub(super) fn end(&mut self) {
        if self.phase == Phase::Done {
            return;
        }
        self.outbox.end();
        self.permit = None;
        match self.ended.as_deref() {
            Some(ended) => self.trace.ended(ended.code(), ended.reason(), ended.error()),
            None => self.trace.ended(1006, "", None),
        }
        if self.is_abandoned {
            // Senders may be kept for long, but the IO is not theirs to keep.
            self.stream = None;
        }
        self.enter(Phase::Done);
    }

    /// Gets on to another phase, and tells everyone.
    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        if self.deadline.is_none() {
            // A timeout beyond the end of time never comes.
            self.deadline = Instant::now().checked_add(self.config.close_timeout);
        }
        self.wakers.wake_all();
    }
}

//! The states of a connection, as a pure table without IO, clock or wakers.

use tungstenite::protocol::CloseFrame;

use crate::close::{CloseCode, CloseInfo, CloseReason};

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Messages are sent and received.
    Open,
    /// This side sends no more messages. Messages from the peer may arrive until its Close or end
    /// of stream.
    CloseSent,
    /// The peer's Close has arrived. The answer is queued or written.
    CloseReceived,
    /// Reading failed. A Close with the reason is queued or written.
    Failed,
    /// Queued data is written, this side is shut down, and input is discarded until the peer's end
    /// of stream.
    Lingering,
    /// The IO is no longer used.
    Closed,
    /// The application has taken the IO out.
    Detached,
}

/// An event of a connection.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// The application or a shutdown begins the closing handshake.
    LocalClose(Option<CloseFrame>),
    /// The peer's Close has arrived.
    PeerClose(Option<CloseFrame>),
    /// The peer violated the protocol. The code is sent to it.
    ReadFailed(CloseCode),
    /// The stream ended before the peer's Close.
    EndOfStream,
    /// Reading from the IO failed.
    ReadBroke,
    /// Writing to the IO failed. Data that the peer sent before may still be read.
    WriteBroke,
    /// The peer did not answer a ping.
    PongTimeout,
    /// Everything queued is written.
    Flushed,
    /// This side is shut down, and the peer sends no more.
    Drained,
    /// The peer made no progress before the deadline of the closing handshake.
    DeadlineExpired,
    /// The IO must not be used any more.
    Abort,
    /// The application takes the IO out.
    Detach,
}

/// The consequences of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    /// Drop queued messages that are completely unwritten.
    pub(super) discard_queued: bool,
    /// Queue a Close after everything that is queued.
    pub(super) queue_close: Option<Option<CloseFrame>>,
}

impl Effects {
    const NONE: Self = Self { discard_queued: false, queue_close: None };
    const DISCARD: Self = Self { discard_queued: true, queue_close: None };

    fn close(frame: Option<CloseFrame>) -> Self {
        Self { queue_close: Some(frame), ..Self::NONE }
    }

    fn discard_and_close(frame: Option<CloseFrame>) -> Self {
        Self { discard_queued: true, queue_close: Some(frame) }
    }
}

/// The state of a connection, and how it was closed.
#[derive(Debug)]
pub(super) struct Lifecycle {
    state: State,
    /// Whether the connection was cut because its closing handshake made no progress.
    is_cut: bool,
    close_info: Option<Box<CloseInfo>>,
}

impl Lifecycle {
    pub(super) fn new() -> Self {
        Self { state: State::Open, is_cut: false, close_info: None }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Changes the state. No other function does.
    pub(super) fn handle(&mut self, input: Input) -> Effects {
        match (&input, self.state) {
            (Input::LocalClose(frame), State::Open) => self.close_info_mut().sent = frame.clone(),
            (Input::ReadFailed(code), State::Open) => {
                self.close_info_mut().sent = Some(code.frame(CloseReason::default()))
            }
            (Input::PongTimeout, State::Open) => self.close_info_mut().sent = Some(pong_timeout()),
            (Input::PeerClose(frame), State::Open | State::CloseSent) => {
                self.close_info_mut().received = Some(frame.clone());
            }
            _ => {}
        }
        let is_deadline = matches!(input, Input::DeadlineExpired);
        let (state, effects) = transition(self.state, input);
        self.is_cut |= is_deadline && state != self.state;
        self.state = state;
        effects
    }

    /// Notes a Close that replaces an earlier one.
    pub(super) fn note_sent(&mut self, frame: CloseFrame) {
        self.close_info_mut().sent = Some(frame);
    }

    /// Notes the error that ended the connection. Later errors are ignored.
    pub(super) fn note_error(&mut self, error: String) {
        self.close_info_mut().error.get_or_insert(error);
    }

    /// Returns `true` if messages may be sent.
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Returns `true` if the IO is no longer used.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Closed | State::Detached)
    }

    /// Returns `true` if the connection was cut because its closing handshake made no progress.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Returns `true` if frames are still read.
    pub(super) fn is_reading(&self) -> bool {
        matches!(self.state, State::Open | State::CloseSent)
    }

    /// Returns `true` if the peer's Close has arrived.
    pub(super) fn is_closed_by_peer(&self) -> bool {
        self.close_info.as_ref().is_some_and(|info| info.received.is_some())
    }

    /// Returns how the connection was closed or is being closed, or `None` while it is open.
    pub(super) fn close_info(&self) -> Option<CloseInfo> {
        match &self.close_info {
            Some(info) => Some(CloseInfo::clone(info)),
            None => (self.state != State::Open).then(CloseInfo::default),
        }
    }

    fn close_info_mut(&mut self) -> &mut CloseInfo {
        self.close_info.get_or_insert_default()
    }
}

fn pong_timeout() -> CloseFrame {
    CloseCode::INTERNAL_ERROR.frame(CloseReason::truncated("keepalive timeout"))
}

/// The table of states.
fn transition(state: State, input: Input) -> (State, Effects) {
    use Input as I;
    use State as S;
    match (state, input) {
        (S::Closed, _) | (_, I::Abort | I::ReadBroke) => (S::Closed, Effects::DISCARD),
        (S::Detached, _) | (S::Open, I::Detach) => (S::Detached, Effects::NONE),

        (S::Open, I::LocalClose(frame)) => (S::CloseSent, Effects::close(frame)),
        // The answer repeats the peer's code (RFC 6455 §5.5.1) and its reason. It follows messages
        // that were sent before, so a peer that requests something and closes at once gets its
        // answers.
        (S::Open, I::PeerClose(frame)) => (S::CloseReceived, Effects::close(frame)),
        // The peer may read messages that were sent before.
        (S::Open, I::ReadFailed(code)) => {
            (S::Failed, Effects::close(Some(code.frame(CloseReason::default()))))
        }
        (S::Open, I::PongTimeout) => (S::Lingering, Effects::discard_and_close(Some(pong_timeout()))),
        (S::Open, I::WriteBroke) => (S::CloseSent, Effects::DISCARD),

        (S::CloseSent, I::PeerClose(_)) => (S::CloseReceived, Effects::NONE),
        (S::CloseSent, I::WriteBroke) => (S::CloseSent, Effects::DISCARD),

        // The peer may have shut down only its own side, so queued data is still written.
        (S::Open | S::CloseSent, I::EndOfStream) => (S::Lingering, Effects::NONE),
        (S::CloseSent, I::ReadFailed(_)) => (S::Lingering, Effects::NONE),

        (S::CloseReceived | S::Failed, I::Flushed) => (S::Lingering, Effects::NONE),
        (S::Lingering, I::Drained) => (S::Closed, Effects::NONE),

        (S::CloseReceived | S::Failed | S::Lingering, I::WriteBroke) => (S::Closed, Effects::DISCARD),
        (S::CloseSent | S::CloseReceived | S::Failed | S::Lingering, I::DeadlineExpired) => {
            (S::Closed, Effects::DISCARD)
        }

        (state, _) => (state, Effects::NONE),
    }
}

#[cfg(test)]
mod tests;

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
    ended: Option<Box<CloseInfo>>,
}

impl Lifecycle {
    pub(super) fn new() -> Self {
        Self { state: State::Open, ended: None }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Changes the state. No other function does.
    pub(super) fn handle(&mut self, input: Input) -> Effects {
        match (&input, self.state) {
            (Input::LocalClose(frame), State::Open) => self.ended_mut().sent = frame.clone(),
            (Input::ReadFailed(code), State::Open) => {
                self.ended_mut().sent = Some(code.frame(CloseReason::default()))
            }
            (Input::PongTimeout, State::Open) => self.ended_mut().sent = Some(pong_timeout()),
            (Input::PeerClose(frame), State::Open | State::CloseSent) => {
                self.ended_mut().received = Some(frame.clone());
            }
            _ => {}
        }
        let (state, effects) = transition(self.state, input);
        self.state = state;
        effects
    }

    /// Notes a Close that replaces an earlier one.
    pub(super) fn note_sent(&mut self, frame: CloseFrame) {
        self.ended_mut().sent = Some(frame);
    }

    /// Notes the error that ended the connection. Later errors are ignored.
    pub(super) fn note_error(&mut self, error: String) {
        self.ended_mut().error.get_or_insert(error);
    }

    /// Returns `true` if messages may be sent.
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Returns `true` if frames are still read.
    pub(super) fn is_reading(&self) -> bool {
        matches!(self.state, State::Open | State::CloseSent)
    }

    /// Returns `true` if the peer's Close has arrived.
    pub(super) fn is_closed_by_peer(&self) -> bool {
        self.ended.as_ref().is_some_and(|ended| ended.received.is_some())
    }

    /// Returns how the connection was closed or is being closed, or `None` while it is open.
    pub(super) fn close_info(&self) -> Option<CloseInfo> {
        match &self.ended {
            Some(ended) => Some(CloseInfo::clone(ended)),
            None => (self.state != State::Open).then(CloseInfo::default),
        }
    }

    fn ended_mut(&mut self) -> &mut CloseInfo {
        self.ended.get_or_insert_default()
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
mod tests {
    use super::{CloseCode, CloseReason, Effects, Input, Lifecycle, State, pong_timeout, transition};

    fn inputs() -> [Input; 11] {
        [
            Input::LocalClose(Some(CloseCode::NORMAL.frame(CloseReason::truncated("bye")))),
            Input::PeerClose(Some(CloseCode::GOING_AWAY.frame(CloseReason::truncated("gone")))),
            Input::ReadFailed(CloseCode::PROTOCOL_ERROR),
            Input::EndOfStream,
            Input::ReadBroke,
            Input::WriteBroke,
            Input::PongTimeout,
            Input::Flushed,
            Input::Drained,
            Input::DeadlineExpired,
            Input::Abort,
        ]
    }

    /// Returns the next state, whether queued messages are discarded, and the code of the queued
    /// Close.
    fn outcome((state, effects): (State, Effects)) -> String {
        let Effects { discard_queued, queue_close } = effects;
        let discard = if discard_queued { " discard" } else { "" };
        let close =
            queue_close.flatten().map_or(String::new(), |frame| format!(" {}", u16::from(frame.code)));
        format!("{state:?}{discard}{close}")
    }

    #[test]
    fn table_has_the_expected_state_for_each_input() {
        const OVER: &str = "Closed discard";
        #[rustfmt::skip]
        let table = [
            (State::Open, [
                "CloseSent 1000", "CloseReceived 1001", "Failed 1002", "Lingering", OVER, "CloseSent discard",
                "Lingering discard 1011", "Open", "Open", "Open", OVER,
            ]),
            (State::CloseSent, [
                "CloseSent", "CloseReceived", "Lingering", "Lingering", OVER, "CloseSent discard",
                "CloseSent", "CloseSent", "CloseSent", OVER, OVER,
            ]),
            (State::CloseReceived, [
                "CloseReceived", "CloseReceived", "CloseReceived", "CloseReceived", OVER, OVER,
                "CloseReceived", "Lingering", "CloseReceived", OVER, OVER,
            ]),
            (State::Failed, [
                "Failed", "Failed", "Failed", "Failed", OVER, OVER,
                "Failed", "Lingering", "Failed", OVER, OVER,
            ]),
            (State::Lingering, [
                "Lingering", "Lingering", "Lingering", "Lingering", OVER, OVER,
                "Lingering", "Lingering", "Closed", OVER, OVER,
            ]),
            (State::Closed, [OVER; 11]),
        ];
        for (state, expected) in table {
            for (input, expected) in inputs().into_iter().zip(expected) {
                let context = format!("{state:?} and {input:?}");
                assert_eq!(outcome(transition(state, input)), expected, "{context}");
            }
        }
    }

    #[test]
    fn close_without_a_code_is_queued_and_answered_without_one() {
        for input in [Input::LocalClose(None), Input::PeerClose(None)] {
            assert_eq!(transition(State::Open, input).1.queue_close, Some(None));
        }
    }

    /// The Closes that were sent and received and the first error are known in every later state.
    #[test]
    fn close_info_keeps_the_first_close_and_error() {
        for first in inputs() {
            for second in inputs() {
                let mut lifecycle = Lifecycle::new();
                assert!(lifecycle.close_info().is_none() && lifecycle.is_open() && lifecycle.is_reading());
                lifecycle.handle(first.clone());
                let was_reading = lifecycle.is_reading();
                let was_open = lifecycle.is_open();
                lifecycle.note_error("first".to_owned());
                lifecycle.handle(second.clone());
                lifecycle.note_error("second".to_owned());
                let ended = lifecycle.close_info().unwrap();
                let context = format!("{first:?}, then {second:?}");
                let sent = |input: &Input| match input {
                    Input::LocalClose(frame) => frame.clone(),
                    Input::ReadFailed(code) => Some(code.frame(CloseReason::default())),
                    Input::PongTimeout => Some(pong_timeout()),
                    _ => None,
                };
                let expected = sent(&first).or_else(|| sent(&second).filter(|_| was_open));
                assert_eq!(ended.sent(), expected.as_ref(), "{context}");
                let is_close = |input: &Input| matches!(input, Input::PeerClose(_));
                let is_clean = is_close(&first) || is_close(&second) && was_reading;
                assert_eq!(
                    (ended.is_clean(), lifecycle.is_closed_by_peer()),
                    (is_clean, is_clean),
                    "{context}"
                );
                assert_eq!(ended.code(), if is_clean { 1001 } else { 1006 }, "{context}");
                assert_eq!(ended.error(), Some("first"), "{context}");
            }
        }
    }
}

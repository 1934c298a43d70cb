//! The states of a connection, as a pure table: no IO, no clock, no waker.

use tungstenite::protocol::CloseFrame;

use crate::close::{CloseCode, CloseInfo, CloseReason};

/// How far a connection is on its way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Messages travel both ways.
    Open,
    /// This side sends no more messages; the peer's may still arrive, until its Close or its end of
    /// stream.
    CloseSent,
    /// The peer's Close has arrived; the answer is queued or written.
    CloseReceived,
    /// Reading failed; a Close that says so is queued or written.
    Failed,
    /// What is queued is written, this side is shut down, and input is discarded until the peer's
    /// end of stream.
    Lingering,
    /// The IO is no longer used.
    Closed,
}

/// What happens to a connection.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// The application, or a shutdown, begins the closing handshake.
    LocalClose(Option<CloseFrame>),
    /// The peer's Close has arrived.
    PeerClose(Option<CloseFrame>),
    /// The peer broke a rule; the code tells it which.
    ReadFailed(CloseCode),
    /// The peer's end of stream came before its Close.
    EndOfStream,
    /// Reading from the IO failed.
    ReadBroke,
    /// Writing to the IO failed. What the peer sent before may still be read.
    WriteBroke,
    /// The peer did not answer a ping.
    PongTimeout,
    /// Everything queued is written.
    Flushed,
    /// This side is shut down, and the peer sends no more.
    Drained,
    /// The peer made no progress for as long as the end may take.
    DeadlineExpired,
    /// The IO must not be used any more.
    Abort,
}

/// What the connection does because of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    /// Messages that are queued and not begun are dropped.
    pub(super) discard_queued: bool,
    /// A Close is queued, behind what is queued.
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

/// A connection's state, and how it came to its end.
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

    /// Changes the state: the only place that does.
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

    /// Notes the Close that is sent in place of another.
    pub(super) fn note_sent(&mut self, frame: CloseFrame) {
        self.ended_mut().sent = Some(frame);
    }

    /// Notes the error that ended the connection. The first one stays.
    pub(super) fn note_error(&mut self, error: String) {
        self.ended_mut().error.get_or_insert(error);
    }

    /// Returns whether messages may be sent.
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Returns whether frames are still read.
    pub(super) fn is_reading(&self) -> bool {
        matches!(self.state, State::Open | State::CloseSent)
    }

    /// Returns whether the peer's Close has arrived.
    pub(super) fn is_closed_by_peer(&self) -> bool {
        self.ended.as_ref().is_some_and(|ended| ended.received.is_some())
    }

    /// Returns how the connection ended or is ending, or `None` while it is open.
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
        // The answer repeats the peer's code (RFC 6455 §5.5.1), and its reason. It comes behind
        // what was sent before: a peer that asks and closes in one go gets its answers.
        (S::Open, I::PeerClose(frame)) => (S::CloseReceived, Effects::close(frame)),
        // The peer may well read what was sent before.
        (S::Open, I::ReadFailed(code)) => {
            (S::Failed, Effects::close(Some(code.frame(CloseReason::default()))))
        }
        (S::Open, I::PongTimeout) => (S::Lingering, Effects::discard_and_close(Some(pong_timeout()))),
        (S::Open, I::WriteBroke) => (S::CloseSent, Effects::DISCARD),

        (S::CloseSent, I::PeerClose(_)) => (S::CloseReceived, Effects::NONE),
        (S::CloseSent, I::WriteBroke) => (S::CloseSent, Effects::DISCARD),

        // The peer may have shut down only its own side: what is queued is still written.
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

    /// The state that follows, whether what is queued is discarded, and the code of the Close that
    /// is queued.
    fn outcome((state, effects): (State, Effects)) -> String {
        let Effects { discard_queued, queue_close } = effects;
        let discard = if discard_queued { " discard" } else { "" };
        let close =
            queue_close.flatten().map_or(String::new(), |frame| format!(" {}", u16::from(frame.code)));
        format!("{state:?}{discard}{close}")
    }

    #[test]
    fn each_input_in_each_state() {
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
    fn a_close_without_a_code_is_queued_and_answered_without_one() {
        for input in [Input::LocalClose(None), Input::PeerClose(None)] {
            assert_eq!(transition(State::Open, input).1.queue_close, Some(None));
        }
    }

    /// Which Close was sent and received, and the first error, are known in every later state.
    #[test]
    fn how_it_ended_is_what_came_first() {
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

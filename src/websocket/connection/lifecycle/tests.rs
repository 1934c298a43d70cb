use super::{CloseCode, CloseReason, Effects, Input, Lifecycle, State, pong_timeout, transition};

fn inputs() -> [Input; 12] {
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
        Input::Detach,
    ]
}

/// Returns the next state, whether queued messages are discarded, and the code of the queued Close,
/// if there is one.
fn outcome((state, effects): (State, Effects)) -> String {
    let Effects { discard_queued, queue_close } = effects;
    let discard = if discard_queued { " discard" } else { "" };
    let close = match queue_close {
        None => String::new(),
        Some(None) => " without a code".to_owned(),
        Some(Some(frame)) => format!(" {}", u16::from(frame.code)),
    };
    format!("{state:?}{discard}{close}")
}

#[test]
fn table_has_the_expected_state_for_each_input() {
    const OVER: &str = "Closed discard";
    #[rustfmt::skip]
    let table = [
        (State::Open, [
            "CloseSent 1000", "CloseReceived 1001", "Failed 1002", "Lingering", OVER, "CloseSent discard",
            "Lingering discard 1011", "Open", "Open", "Open", OVER, "Detached",
        ]),
        (State::CloseSent, [
            "CloseSent", "CloseReceived", "Lingering", "Lingering", OVER, "CloseSent discard",
            "CloseSent", "CloseSent", "CloseSent", OVER, OVER, "CloseSent",
        ]),
        (State::CloseReceived, [
            "CloseReceived", "CloseReceived", "CloseReceived", "CloseReceived", OVER, OVER,
            "CloseReceived", "Lingering", "CloseReceived", OVER, OVER, "CloseReceived",
        ]),
        (State::Failed, [
            "Failed", "Failed", "Failed", "Failed", OVER, OVER,
            "Failed", "Lingering", "Failed", OVER, OVER, "Failed",
        ]),
        (State::Lingering, [
            "Lingering", "Lingering", "Lingering", "Lingering", OVER, OVER,
            "Lingering", "Lingering", "Closed", OVER, OVER, "Lingering",
        ]),
        (State::Closed, [OVER; 12]),
        (State::Detached, [
            "Detached", "Detached", "Detached", "Detached", OVER, "Detached",
            "Detached", "Detached", "Detached", "Detached", OVER, "Detached",
        ]),
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
            assert_eq!((ended.is_clean(), lifecycle.is_closed_by_peer()), (is_clean, is_clean), "{context}");
            assert_eq!(ended.code(), if is_clean { 1001 } else { 1006 }, "{context}");
            assert_eq!(ended.error(), Some("first"), "{context}");
        }
    }
}

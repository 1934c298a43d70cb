use std::time::Duration;

use tokio::time::Instant;

use super::{Deadlines, Due, Situation};
use crate::{
    config::{Config, ConfigValues},
    websocket::connection::lifecycle::State,
};

fn config() -> Config {
    let seconds = Duration::from_secs;
    Config::new().keepalive_interval(seconds(20)).keepalive_timeout(seconds(10)).close_timeout(seconds(5))
}

/// The deadlines of a connection, in whole seconds from its beginning.
struct Clock {
    start: Instant,
    deadlines: Deadlines,
}

impl Clock {
    fn new() -> Self {
        let start = Instant::now();
        Self { start, deadlines: Deadlines::new(start) }
    }

    fn at(&self, second: u64) -> Instant {
        self.start + Duration::from_secs(second)
    }

    fn received(&mut self, second: u64) {
        self.deadlines.received(self.at(second));
    }

    fn written(&mut self, bytes: usize, is_blocked: bool, second: u64) {
        let at = self.at(second);
        self.deadlines.written(bytes, is_blocked, || at);
    }

    fn ping(&mut self, left: Option<u64>) {
        self.deadlines.ping_queued();
        if let Some(second) = left {
            let at = self.at(second);
            self.deadlines.writing_began();
            self.deadlines.writing_ended(|| at);
        }
    }

    fn closing(&mut self, second: u64) {
        self.deadlines.closing(self.at(second));
    }

    fn close_left(&mut self, second: u64) {
        let at = self.at(second);
        self.deadlines.close_left(|| at);
    }

    fn next(&self, state: State, has_output: bool, config: &ConfigValues) -> Option<(u64, Due)> {
        let (at, due) = self.deadlines.next(&Situation { state, has_output, is_unread: false, config })?;
        Some(((at - self.start).as_secs(), due))
    }
}

#[test]
fn open_connection_is_pinged_and_then_ended() {
    type Case = (&'static str, fn(&mut Clock), bool, Option<(u64, Due)>);
    let cases: &[Case] = &[
        ("nothing", |_| {}, false, Some((20, Due::Ping))),
        ("bytes arrive", |clock| clock.received(7), false, Some((27, Due::Ping))),
        ("bytes leave at once", |clock| clock.written(100, false, 7), false, Some((20, Due::Ping))),
        (
            "bytes are taken after none were",
            |clock| {
                clock.written(10, true, 5);
                clock.written(10, true, 9);
            },
            true,
            Some((29, Due::Ping)),
        ),
        (
            "no bytes are taken",
            |clock| {
                clock.written(0, true, 5);
                clock.written(0, true, 9);
            },
            true,
            Some((20, Due::Ping)),
        ),
        ("a ping waits to be written", |clock| clock.ping(None), true, Some((30, Due::PongTimeout))),
        ("a ping has left", |clock| clock.ping(Some(23)), false, Some((33, Due::PongTimeout))),
        (
            "bytes arrive after a ping",
            |clock| {
                clock.ping(Some(23));
                clock.received(25);
            },
            false,
            Some((45, Due::Ping)),
        ),
    ];
    for (what, before, has_output, expected) in cases {
        let mut clock = Clock::new();
        before(&mut clock);
        assert_eq!(clock.next(State::Open, *has_output, config().values()), *expected, "{what}");
    }
}

#[test]
fn spread_shutdown_sets_a_deadline_for_each_close() {
    let mut clock = Clock::new();
    clock.deadlines.set_going_away(Some(clock.at(50)));
    assert_eq!(clock.next(State::Open, false, config().values()), Some((20, Due::Ping)));
    assert_eq!(
        clock.next(State::Open, false, config().keepalive_interval(None).values()),
        Some((50, Due::GoingAway))
    );
    clock.received(40);
    assert_eq!(clock.next(State::Open, false, config().values()), Some((50, Due::GoingAway)));
    clock.closing(45);
    assert_eq!(clock.next(State::CloseSent, false, config().values()), Some((50, Due::Close)));
    assert_eq!(clock.next(State::Closed, false, config().values()), None);
}

#[test]
fn peers_close_is_delayed_while_the_application_answers() {
    let at = |milliseconds| Duration::from_millis(milliseconds);
    let mut clock = Clock::new();
    let (start, config) = (clock.start, config());
    let situation =
        Situation { state: State::Open, has_output: false, is_unread: true, config: config.values() };
    clock.deadlines.message_taken(|| unreachable!("no Close waits"));
    assert!(clock.deadlines.hold_close(start));
    assert!(clock.deadlines.hold_close(start + at(99)));
    assert_eq!(clock.deadlines.next(&situation), Some((start + at(100), Due::PeerClose)));
    clock.deadlines.message_taken(|| start + at(60));
    assert!(clock.deadlines.hold_close(start + at(159)));
    assert!(!clock.deadlines.hold_close(start + at(160)));
    assert_eq!(clock.deadlines.next(&situation), Some((start + at(160), Due::PeerClose)));
    clock.deadlines.end_close_hold();
    clock.deadlines.message_taken(|| unreachable!("it waits no longer"));
    assert!(!clock.deadlines.hold_close(start));
    assert_eq!(clock.deadlines.next(&situation), Some((clock.at(20), Due::Ping)));
}

#[test]
fn without_keepalive_an_open_connection_has_no_deadline() {
    let mut clock = Clock::new();
    assert_eq!(clock.next(State::Open, false, config().keepalive_interval(None).values()), None);
    clock.ping(Some(20));
    assert_eq!(clock.next(State::Open, false, config().keepalive_timeout(None).values()), None);
    assert_eq!(clock.next(State::Closed, false, config().values()), None);
}

#[test]
fn unread_data_postpones_the_pong_timeout() {
    let mut clock = Clock::new();
    clock.ping(Some(20));
    let config = config();
    let mut situation =
        Situation { state: State::Open, has_output: false, is_unread: true, config: config.values() };
    assert_eq!(clock.deadlines.next(&situation), None);
    situation.is_unread = false;
    assert_eq!(clock.deadlines.next(&situation), Some((clock.at(30), Due::PongTimeout)));
}

#[test]
fn closing_handshake_times_out_without_progress() {
    type Case = (&'static str, fn(&mut Clock), bool, u64);
    let cases: &[Case] = &[
        (
            "the Close has left",
            |clock| {
                clock.closing(0);
                clock.close_left(3);
            },
            false,
            8,
        ),
        (
            "bytes arrive",
            |clock| {
                clock.closing(0);
                clock.close_left(3);
                clock.received(6);
            },
            false,
            11,
        ),
        (
            "a flood arrives",
            |clock| {
                clock.closing(0);
                clock.close_left(3);
                clock.received(1000);
            },
            false,
            63,
        ),
        (
            // At 500 bytes a second, it needs 160 s for 80,000 bytes.
            "the peer is slow",
            |clock| {
                clock.written(50_000, true, 0);
                clock.written(20_000, true, 20);
                clock.written(10_000, false, 40);
                clock.closing(60);
                clock.close_left(60);
            },
            false,
            190,
        ),
        ("data waits", |clock| clock.closing(0), true, 30),
        (
            "data is taken now and then",
            |clock| {
                clock.closing(0);
                clock.written(0, true, 1);
                clock.written(10, true, 1000);
            },
            true,
            1030,
        ),
        (
            "data is not taken, though a flood arrives",
            |clock| {
                clock.closing(0);
                clock.written(0, true, 1);
                clock.received(1000);
            },
            true,
            361,
        ),
        (
            "data was not taken long before",
            |clock| {
                clock.written(0, true, 1);
                clock.received(999);
                clock.closing(1000);
            },
            true,
            1030,
        ),
    ];
    for (what, before, has_output, expected) in cases {
        for state in [State::CloseSent, State::CloseReceived, State::Lingering] {
            let mut clock = Clock::new();
            before(&mut clock);
            let next = clock.next(state, *has_output, config().values());
            assert_eq!(next, Some((*expected, Due::Close)), "{what}, {state:?}");
        }
    }
}

#[test]
fn protocol_violation_ends_with_the_close_timeout() {
    let mut clock = Clock::new();
    clock.closing(2);
    clock.written(0, true, 2);
    assert_eq!(clock.next(State::Failed, true, config().values()), Some((7, Due::Close)));
    clock.received(1000);
    assert_eq!(clock.next(State::Failed, true, config().values()), Some((62, Due::Close)));
}

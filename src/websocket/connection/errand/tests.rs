use std::{
    task::{Context, Waker},
    time::Duration,
};

use tokio::{io::duplex, time::Instant};
use tungstenite::protocol::Role;

use super::{Caller, Connection, ConnectionGuard, Deferred, Errand};
use crate::{
    config::Config, deflate::NegotiatedDeflate, metrics::id::WebSocketId, websocket::negotiated::Negotiated,
};

/// Another task may use the connection while one sets the timer, which is then not in it.
#[tokio::test(start_paused = true)]
async fn new_deadline_is_not_lost_while_the_timer_is_being_set() {
    let (io, _peer) = duplex(64);
    let negotiated = Negotiated {
        id: WebSocketId::next(),
        role: Role::Server,
        config: Config::new().into_values(),
        guard: ConnectionGuard::acquire(None, None).unwrap(),
        protocol: None,
        deflate: NegotiatedDeflate::default(),
        trace: None,
    };
    let mut connection = Connection::new(io, &[], negotiated);
    connection.slot.is_readable = false;
    let (cx, mut deferred) = (&mut Context::from_waker(Waker::noop()), Deferred::default());
    let driver = Caller { is_driver: true, reads: false, receives_ahead: false, writes: true };
    let Some(Errand::Alarm(mut alarm, late)) = connection.next_errand(driver, cx, &mut deferred) else {
        panic!("the timer has to be set for the first time");
    };
    let soon = Instant::now() + Duration::from_millis(100);
    assert!(soon < late);
    connection.deadlines.set_going_away(Some(soon));
    assert!(connection.next_errand(driver, cx, &mut deferred).is_none());
    alarm.set(cx, late);
    connection.put_alarm(alarm);
    let Some(Errand::Alarm(_, at)) = connection.next_errand(driver, cx, &mut deferred) else {
        panic!("the timer has to be set for the new deadline");
    };
    assert_eq!(at, soon);
}

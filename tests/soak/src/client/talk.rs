//! Clients that behave until they end in one of many ways.

use std::time::Duration;

use super::{
    connect::Way,
    frame::{FIN, PING},
    opening::Form,
    side::{Rule, Side},
    socket::Socket,
    trouble::Trouble,
    world::World,
};
use crate::{filling, message::Ask, rng::Rng};

/// How a well-behaved client ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It closes once it has received everything.
    Quiet,
    /// It closes while much data is in flight.
    Busy,
    /// It makes the server close.
    Asked,
    /// It makes the handler return.
    Returned,
    /// It makes the handler panic.
    Panicked,
    /// It ends its side of the stream without a Close.
    HalfClosed,
    /// It resets the connection while much data is in flight.
    Reset,
    /// It resets the connection inside a message.
    ResetInside,
    /// As `Quiet`, but it has been silent for a long time.
    Idle,
}

/// How long a client stays, on average.
const STAY: Duration = Duration::from_secs(60);

/// The close code of a server that goes away.
const GOING_AWAY: u16 = 1001;

pub(super) async fn talk(
    world: &World,
    id: u64,
    way: Way,
    form: Form,
    end: End,
    rng: &mut Rng,
) -> Result<Side, Trouble> {
    let cuts = matches!(end, End::Reset | End::ResetInside);
    let mut socket = match Socket::open(world, way, form, id, cuts).await {
        // The port is closed for a moment while it is drained. Connections that it accepts
        // meanwhile are closed.
        Err(Trouble::Io(_) | Trouble::Wrong(_) | Trouble::End) if way == Way::Drained => {
            return Ok(Side { id, plan: "drained", up: 0, down: 0, rule: Rule::Perhaps });
        }
        opened => opened?,
    };
    let plan = match end {
        End::Quiet => "closes",
        End::Busy => "closes, busy",
        End::Asked => "asks for Close",
        End::Returned => "handler returns",
        End::Panicked => "handler panics",
        End::HalfClosed => "half-closes",
        End::Reset => "resets",
        End::ResetInside => "resets inside a message",
        End::Idle => "idle, closes",
    };
    let rule = match lead(world, &mut socket, end, rng).await {
        Err(Trouble::Closed(GOING_AWAY)) if way == Way::Drained => {
            // Everything queued or received before the answer to the Close counts.
            Rule::Exact(socket.end().await?)
        }
        rule => rule?,
    };
    let plan = if rule == Rule::Exact(GOING_AWAY) { "drained" } else { plan };
    Ok(Side { id, plan, up: socket.up, down: socket.down, rule })
}

async fn lead(world: &World, socket: &mut Socket<'_>, end: End, rng: &mut Rng) -> Result<Rule, Trouble> {
    let mut expected = 0;
    if end == End::Idle {
        act(socket, &mut expected, rng);
        socket.stay(rng.wait(2 * STAY)).await?;
    } else {
        let doings = rng.below(2 * (STAY.as_secs() / world.think.as_secs()).max(1) as usize);
        for _ in 0..doings {
            act(socket, &mut expected, rng);
            socket.stay(rng.wait(world.think)).await?;
            if *world.stop.borrow() {
                break;
            }
        }
    }
    match end {
        End::Quiet | End::Idle => {
            socket.until("answer", |socket| socket.down == expected).await?;
            let code = rng.pick(&[1000, 1001, 3000, 4999]);
            socket.close(code);
            exact(socket, code).await
        }
        End::Busy => {
            much(socket, rng);
            socket.close(1000);
            // Messages that the server could not queue are dropped at the Close.
            socket.end().await?;
            Ok(Rule::Up)
        }
        End::Asked => {
            let code = rng.pick(&[1000, 1008, 1013, 4000]);
            socket.send(Ask::Close(code), rng.chance(50), b"", 1);
            exact(socket, code).await
        }
        End::Returned => {
            socket.send(Ask::Return, rng.chance(50), b"", 1);
            exact(socket, 1000).await
        }
        End::Panicked => {
            socket.send(Ask::Panic, rng.chance(50), b"", 1);
            exact(socket, 1011).await
        }
        End::HalfClosed => {
            if rng.chance(50) {
                much(socket, rng);
            }
            socket.written().await?;
            socket.half_close().await?;
            while socket.pump().await? {}
            Ok(Rule::All)
        }
        End::Reset => {
            much(socket, rng);
            socket.stay(Duration::from_millis(rng.below(50) as u64)).await?;
            Ok(Rule::Prefix)
        }
        End::ResetInside => {
            socket.written().await?;
            let filling = filling::bytes(rng, 40_000);
            socket.send(Ask::Nothing, false, filling, 1 + rng.below(3));
            let len = rng.below(socket.output.len());
            socket.output.truncate(len.max(1));
            socket.written().await?;
            Ok(Rule::Prefix)
        }
    }
}

/// The server's Close must have this code, and a clean end must follow.
async fn exact(socket: &mut Socket<'_>, code: u16) -> Result<Rule, Trouble> {
    match socket.end().await? {
        // A drained port sends 1001 first.
        told if told == code || told == GOING_AWAY => Ok(Rule::Exact(told)),
        told => Err(Trouble::Wrong(format!("Close {told}, where {code} was due"))),
    }
}

/// Does one action. `expected` is how many messages the server will have sent after it.
fn act(socket: &mut Socket<'_>, expected: &mut u64, rng: &mut Rng) {
    let is_text = rng.chance(50);
    let len = rng.weighed(&[(50, 40), (30, 400), (14, 6000), (5, 60_000), (1, 262_000)]);
    let len = 1 + rng.below(len);
    let frames = rng.weighed(&[(80, 1), (10, 2), (10, 7)]);
    let ask = match rng.below(100) {
        0..20 => Ask::Nothing,
        20..90 => {
            let size = rng.weighed(&[(60, 200), (30, 4000), (9, 70_000), (1, 262_000)]);
            let size = 1 + rng.below(size);
            let count = 1 + rng.below(if size > 50_000 { 2 } else { 5 }) as u8;
            *expected += u64::from(count);
            Ask::Send { count, size: size as u32, is_text: rng.chance(50), is_raw: rng.chance(10) }
        }
        90..95 => Ask::Ping,
        _ => Ask::Nap(rng.below(2000) as u32),
    };
    let filling = if is_text { filling::text(rng, len).as_bytes() } else { filling::bytes(rng, len) };
    socket.send(ask, is_text, filling, frames);
    if rng.chance(10) {
        socket.frame(FIN | PING, b"are you there?");
    }
}

/// Requests and sends much data.
fn much(socket: &mut Socket<'_>, rng: &mut Rng) {
    for _ in 0..4 {
        let ask = Ask::Send { count: 8, size: 30_000, is_text: false, is_raw: false };
        socket.send(ask, false, filling::bytes(rng, 10_000), 2);
    }
}

//! The rows of the tables.

use std::{io, time::Duration};

use crate::{
    cell::{Cell, Load},
    compression::{Compression, Takeover},
    load::{Echo, Fan, Idle, Latency, Population, Shake},
    peer::Peer,
    setup::{Setup, Transport},
    suite::Suite,
    table::median,
    wire::Payload,
};

/// Returns the cells of a suite. A measurement takes `length`.
pub(crate) fn cells(suite: Suite, length: Duration) -> io::Result<Vec<Cell>> {
    Ok(match suite {
        Suite::Echo => echo(),
        Suite::Shake => vec![Cell::plain("64 at a time", Load::Shake(Shake::both(64)))],
        Suite::Accept => vec![
            Cell::plain("opening handshake, 64 at a time", Load::Shake(Shake::opening(64))),
            Cell::plain("opening and closing handshake, 64 at a time", Load::Shake(Shake::both(64))),
        ],
        Suite::Large => large(),
        Suite::TlsShake => {
            let shake = Load::Shake(Shake::both(64));
            vec![Cell::new("64 at a time", shake, Transport::Tls.into())]
        }
        Suite::TlsEcho => [
            ("125 B text, 64 connections", SMALL),
            ("125 B text, 64 connections, 16 in flight", Echo { in_flight: 16, ..SMALL }),
            ("16 KiB binary, 64 connections", MIDDLE),
            ("16 KiB binary, 64 connections, 16 in flight", Echo { in_flight: 16, ..MIDDLE }),
        ]
        .map(|(name, echo)| Cell::new(name, Load::Echo(echo), Transport::Tls.into()))
        .into(),
        Suite::TlsIdle => {
            let idle = Idle { connections: 2000, size: 64, payload: Payload::Binary };
            [("2,000, after 64 B each", idle), ("2,000, after 16 KiB each", Idle { size: 16 << 10, ..idle })]
                .map(|(name, idle)| Cell::new(name, Load::Idle(idle), Transport::Tls.into()))
                .into()
        }
        Suite::Http2Echo => [
            ("125 B text", Echo { connections: 1000, ..SMALL }),
            ("125 B text, 16 in flight", Echo { connections: 1000, in_flight: 16, ..SMALL }),
            ("16 KiB binary", Echo { connections: 1000, ..MIDDLE }),
        ]
        .map(|(name, echo)| Cell::new(name, Load::Echo(echo), Transport::Http2.into()))
        .into(),
        Suite::Http2Idle => {
            let idle = Idle { connections: 1000, size: 64, payload: Payload::Binary };
            [("1,000, after 64 B each", idle), ("1,000, after 16 KiB each", Idle { size: 16 << 10, ..idle })]
                .map(|(name, idle)| Cell::new(name, Load::Idle(idle), Transport::Http2.into()))
                .into()
        }
        Suite::Fan => {
            let small = FAN;
            let many = Fan { in_flight: 16, ..small };
            let huge = Fan { subscribers: 10_000, ..small };
            let rooms = Fan { topics: 1000, subscribers: 10, ..small };
            [
                ("64 B to 1,000 subscribers", small),
                ("64 B to 1,000 subscribers, 16 in flight", many),
                ("64 B to 10,000 subscribers", huge),
                ("64 B to the 10 subscribers of each of 1,000 rooms", rooms),
                (
                    "64 B to the 10 subscribers of each of 1,000 rooms, 16 in flight",
                    Fan { in_flight: 16, ..rooms },
                ),
            ]
            .map(|(name, fan)| Cell::plain(name, Load::Fan(fan)))
            .into()
        }
        Suite::SlowFan => slow_fan(),
        Suite::Threads => threads(),
        Suite::Latency => latency(length)?,
        Suite::Million => million(),
        Suite::Idle => {
            let idle = |connections, size| Load::Idle(Idle { connections, size, payload: Payload::Binary });
            vec![
                Cell::plain("10,000, after 64 B each", idle(10_000, 64)),
                Cell::plain("10,000, after 16 KiB each", idle(10_000, 16 << 10)),
                Cell::plain("100, after 1 MiB each way", idle(100, 1 << 20)),
            ]
        }
        Suite::Deflate => deflate(),
        Suite::DeflateFan => {
            let json = Fan { size: 1 << 10, payload: Payload::Json, ..FAN };
            let cell = |name, level| {
                let compression = Compression { level, takeover: Takeover::Nobody };
                Cell::compressed(name, Load::Fan(json), compression)
            };
            vec![
                cell("1 KiB JSON to 1,000 subscribers, level 1, no takeover", 1),
                cell("1 KiB JSON to 1,000 subscribers, level 6, no takeover", 6),
            ]
        }
        Suite::DeflateIdle => {
            let load = Idle { connections: 1000, size: 1 << 10, payload: Payload::Json };
            let cell =
                |name, takeover| Cell::compressed(name, Load::Idle(load), Compression { level: 6, takeover });
            vec![
                cell("1,000, after 1 KiB each, no takeover", Takeover::Nobody),
                cell("1,000, after 1 KiB each, takeover of the client", Takeover::Client),
                cell("1,000, after 1 KiB each, takeover of both", Takeover::Both),
            ]
        }
    })
}

const SMALL: Echo =
    Echo { connections: 64, in_flight: 1, idle: 0, size: 125, payload: Payload::Ascii, fragment: None };

const FAN: Fan = Fan {
    topics: 1,
    subscribers: 1000,
    size: 64,
    payload: Payload::Binary,
    in_flight: 1,
    deaf: 0,
    is_weighed: false,
};

const MIDDLE: Echo = Echo { size: 16 << 10, payload: Payload::Binary, ..SMALL };

fn echo() -> Vec<Cell> {
    let small = SMALL;
    let kib = Echo { size: 1 << 10, ..small };
    let large = MIDDLE;
    let huge = Echo { connections: 1, size: 1 << 20, ..large };
    [
        ("125 B text, 64 connections", small),
        ("125 B text, 64 connections and 9,936 idle", Echo { idle: 9936, ..small }),
        ("125 B text, 512 connections", Echo { connections: 512, ..small }),
        ("125 B text, 64 connections, 16 in flight", Echo { in_flight: 16, ..small }),
        ("1 KiB text, 64 connections, 16 in flight", Echo { in_flight: 16, ..kib }),
        ("16 KiB binary, 64 connections", large),
        ("16 KiB binary, 64 connections, 16 in flight", Echo { in_flight: 16, ..large }),
        ("16 KiB non-ASCII text, 64 connections", Echo { payload: Payload::Letters, ..large }),
        ("1 MiB binary, 1 connection", huge),
    ]
    .map(|(name, echo)| Cell::plain(name, Load::Echo(echo)))
    .into()
}

fn large() -> Vec<Cell> {
    let small = Echo { connections: 1, size: 64 << 10, payload: Payload::Binary, ..SMALL };
    let large = Echo { size: 1 << 20, ..small };
    let text = |echo| Echo { payload: Payload::Letters, ..echo };
    let eight = |echo| Echo { connections: 8, ..echo };
    let fragments = |echo| Echo { fragment: Some(1 << 10), ..echo };
    [
        ("64 KiB binary, 1 connection", small),
        ("64 KiB binary, 8 connections", eight(small)),
        ("64 KiB non-ASCII text, 1 connection", text(small)),
        ("64 KiB non-ASCII text, 8 connections", eight(text(small))),
        ("64 KiB binary in fragments of 1 KiB, 8 connections", fragments(eight(small))),
        ("64 KiB non-ASCII text in fragments of 1 KiB, 8 connections", fragments(text(eight(small)))),
        ("1 MiB binary, 1 connection", large),
        ("1 MiB binary, 8 connections", eight(large)),
        ("1 MiB non-ASCII text, 1 connection", text(large)),
        ("1 MiB non-ASCII text, 8 connections", eight(text(large))),
        ("1 MiB binary in fragments of 1 KiB, 8 connections", fragments(eight(large))),
        ("1 MiB non-ASCII text in fragments of 1 KiB, 8 connections", fragments(text(eight(large)))),
    ]
    .map(|(name, echo)| Cell::plain(name, Load::Echo(echo)))
    .into()
}

fn deflate() -> Vec<Cell> {
    let one = Echo { size: 1 << 10, payload: Payload::Json, ..SMALL };
    let many = Echo { in_flight: 16, ..one };
    [
        ("1 KiB JSON, level 1, no takeover", one, 1, Takeover::Nobody),
        ("1 KiB JSON, level 1, no takeover, 16 in flight", many, 1, Takeover::Nobody),
        ("1 KiB JSON, level 1, takeover", one, 1, Takeover::Both),
        ("1 KiB JSON, level 1, takeover, 16 in flight", many, 1, Takeover::Both),
        ("1 KiB JSON, level 6, no takeover", one, 6, Takeover::Nobody),
        ("1 KiB JSON, level 6, no takeover, 16 in flight", many, 6, Takeover::Nobody),
        ("1 KiB JSON, level 6, takeover", one, 6, Takeover::Both),
        ("1 KiB JSON, level 6, takeover, 16 in flight", many, 6, Takeover::Both),
    ]
    .map(|(name, echo, level, takeover)| {
        Cell::compressed(name, Load::Echo(echo), Compression { level, takeover })
    })
    .into()
}

fn slow_fan() -> Vec<Cell> {
    let fan = Fan { size: 1 << 10, in_flight: 16, is_weighed: true, ..FAN };
    [("all of them read", fan), ("10 of them read nothing", Fan { subscribers: 990, deaf: 10, ..fan })]
        .map(|(name, fan)| Cell {
            rows: ["CPU", "memory of the process", "memory of TCP's buffers"]
                .map(|what| format!("1 KiB to 1,000, {name}: {what}"))
                .into(),
            load: Load::Fan(fan),
            setup: Setup::default(),
        })
        .into()
}

fn threads() -> Vec<Cell> {
    let loads = [
        ("echo of 125 B text, 64 connections", Load::Echo(SMALL)),
        ("echo of 125 B text, 64 connections, 16 in flight", Load::Echo(Echo { in_flight: 16, ..SMALL })),
        ("64 B to 1,000 subscribers", Load::Fan(FAN)),
        ("64 B to 1,000 subscribers, 16 in flight", Load::Fan(Fan { in_flight: 16, ..FAN })),
    ];
    let cell = |(name, load)| {
        ["one thread", "two threads"].into_iter().zip(1..).map(move |(threads, workers)| {
            let setup = Setup { workers: Some(workers), ..Setup::default() };
            Cell::new(&format!("{name}, {threads}"), load, setup)
        })
    };
    loads.into_iter().flat_map(cell).collect()
}

fn million() -> Vec<Cell> {
    [1000, 5000, 15_000]
        .map(|sockets| Cell {
            rows: Population::VALUES.map(|value| format!("{sockets} sockets: {value}")).into(),
            load: Load::Population(Population { sockets }),
            setup: Setup::default(),
        })
        .into()
}

/// Finds out first which rate plain TCP sustains with a message in flight on each connection.
fn latency(length: Duration) -> io::Result<Vec<Cell>> {
    const CONNECTIONS: usize = 1000;
    let echo = Cell::plain("plain TCP", Load::Echo(Echo { connections: CONNECTIONS, ..SMALL }));
    let rates =
        (0..3).map(|_| Ok(echo.measure(Peer::Tcp, 4 * length, 1)?.rate)).collect::<io::Result<Vec<_>>>()?;
    let sustained = median(rates).unwrap_or_default();
    let cell = |(percent, is_busy)| {
        let rate = sustained * f64::from(percent) / 100.0;
        let busy = if is_busy { ", with handshakes and an upload" } else { "" };
        let row = |what| format!("{percent} % load ({:.0},000 messages/s){busy}: {what}", rate / 1000.0);
        Cell {
            rows: ["p50", "p99", "p99.9"].map(row).into(),
            load: Load::Latency(Latency { connections: CONNECTIONS, size: 125, rate, is_busy }),
            setup: Setup::default(),
        }
    };
    Ok([(25, false), (75, false), (25, true), (75, true)].map(cell).into())
}

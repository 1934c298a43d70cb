//! Measures the figures in `README.md`: opens sockets in rooms, and prints the CPU time and the
//! memory that the processes use.
//!
//! ```sh
//! cargo run --release -p cluster --example load -- \
//!     --sockets 1000 --messages 1000 --pid PID ws://127.0.0.1:9011
//! ```
//!
//! - `--sockets N` opens N sockets, spread over the given addresses.
//! - `--room N` puts N sockets in each room (default: all in one).
//! - `--messages N` makes one socket in each room send N messages (default: 0).
//! - `--window N` sets how many of them are in flight at a time (default: 1).
//! - `--pid PID`, repeated, names the processes to measure through /proc.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use tokio::{sync::Semaphore, time::sleep};
use tokio_tungstenite::{connect_async, tungstenite::Message};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut sockets, mut per_room, mut messages, mut window) = (100, None, 0, 1);
    let (mut pids, mut addresses) = (Vec::<u32>::new(), Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--sockets" => sockets = value()?.parse()?,
            "--room" => per_room = Some(value()?.parse()?),
            "--messages" => messages = value()?.parse()?,
            "--window" => window = value()?.parse()?,
            "--pid" => pids.push(value()?.parse()?),
            _ => addresses.push(arg),
        }
    }
    let per_room: usize = per_room.unwrap_or(sockets);
    let before: Vec<_> = pids.iter().map(|pid| Usage::of(*pid)).collect();

    let heard = Arc::new(AtomicUsize::new(0));
    let done = Arc::new(Semaphore::new(window));
    let mut speakers = Vec::new();
    let started = Instant::now();
    for n in 0..sockets {
        let address = &addresses[n % addresses.len()];
        let url = format!("{address}/room{}/ws?name=guest{n}&key={n}", n / per_room);
        let (sink, mut stream) = connect_async(url).await?.0.split();
        let is_speaker = n % per_room == 0;
        if is_speaker {
            speakers.push(sink);
        } else {
            // Keeps the socket open without sending on it.
            std::mem::forget(sink);
        }
        let (heard, done) = (Arc::clone(&heard), Arc::clone(&done));
        tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                if message.to_text().is_ok_and(|text| text.starts_with("{\"type\":\"said\"")) {
                    let heard = heard.fetch_add(1, Ordering::Relaxed) + 1;
                    if heard % sockets == 0 {
                        done.add_permits(1);
                    }
                }
            }
        });
    }
    let opening = started.elapsed();
    sleep(Duration::from_secs(3)).await;
    let open: Vec<_> = pids.iter().map(|pid| Usage::of(*pid)).collect();
    println!("{sockets} sockets in {opening:.1?}");

    let started = Instant::now();
    let mut waits = Vec::new();
    for n in 0..messages {
        done.acquire().await?.forget();
        let said = Instant::now();
        for (room, speaker) in speakers.iter_mut().enumerate() {
            let text = "sixty-four bytes of what people say to each other all day long..";
            let say = format!("{{\"type\":\"say\",\"id\":\"{room}-{n}\",\"text\":\"{text}\"}}");
            speaker.send(Message::text(say)).await?;
        }
        if window == 1 {
            drop(done.acquire().await?);
            waits.push(said.elapsed());
        }
    }
    while heard.load(Ordering::Relaxed) < messages * sockets {
        sleep(Duration::from_millis(1)).await;
    }
    let elapsed = started.elapsed();
    let said = (messages * speakers.len()).max(1);
    println!("{said} messages, {} deliveries in {elapsed:.1?}", messages * sockets);
    if !waits.is_empty() {
        waits.sort();
        println!(
            "heard by all: median {:.2?}, 99 % {:.2?}",
            waits[waits.len() / 2],
            waits[waits.len() * 99 / 100]
        );
    }
    for ((pid, before), open) in pids.iter().zip(before).zip(open) {
        let after = Usage::of(*pid);
        let share = sockets as f64 / addresses.len() as f64;
        println!(
            "{pid}: {:.1} KB a socket at rest, {:.1} us CPU a message, {:.1} s CPU for opening",
            (open.memory as f64 - before.memory as f64) / share,
            (after.cpu - open.cpu) * 1e6 / said as f64,
            open.cpu - before.cpu,
        );
    }
    Ok(())
}

/// The resources that a process has used.
struct Usage {
    /// Seconds.
    cpu: f64,
    /// KB.
    memory: u64,
}

impl Usage {
    fn of(pid: u32) -> Self {
        let read = |file| std::fs::read_to_string(format!("/proc/{pid}/{file}")).expect("a process of Linux");
        let stat = read("stat");
        let fields: Vec<_> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
        // /proc counts in hundredths of a second.
        let cpu =
            [11, 12].map(|n: usize| fields[n].parse::<f64>().expect("a number")).iter().sum::<f64>() / 100.0;
        let status = read("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a resident size");
        let memory = line.trim().trim_end_matches(" kB").parse().expect("a number");
        Self { cpu, memory }
    }
}

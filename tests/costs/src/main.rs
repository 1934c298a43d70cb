//! The cost of an unauthenticated peer for a server, at each stage: the figures of the guide's page
//! about threats.
//!
//! ```sh
//! cargo run --release -p costs [ROUNDS]
//! cargo run --release -p costs floods
//! ```
//!
//! For each figure the program starts itself once more, as `costs serve`. That process is the
//! server, with one thread and with its defaults, except for compression where a row names it. The
//! figures are its memory and its CPU time, as medians of the rounds. Without ROUNDS, there are 3.
//! This needs Linux.
//!
//! `floods` prints another table: how long another connection of the server's thread waits for the
//! echo of 4 bytes while one peer floods. The bound, on a quiet machine, is a median of 2 ms and a
//! maximum of 20 ms.

mod attack;
mod attacks;
mod flood;
#[path = "../../../benches/peers/src/process.rs"]
#[allow(dead_code, reason = "the benchmark needs the rest")]
mod process;
mod server;

use std::io;

fn main() -> io::Result<()> {
    process::raise_file_limit()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match std::env::args().nth(1).as_deref() {
        Some("serve") => runtime.block_on(server::serve()),
        Some("floods") => flood::measure(),
        rounds => {
            let rounds = rounds.map_or(Ok(3), str::parse).map_err(io::Error::other)?;
            runtime.block_on(attack::measure(rounds))
        }
    }
}

//! What an unauthenticated peer costs a server, at each stage: the figures of the guide's page on
//! threats.
//!
//! ```sh
//! cargo run --release -p costs [ROUNDS]
//! cargo run --release -p costs floods
//! ```
//!
//! It starts itself once more for each figure, as `costs serve`: that process is the server, with
//! one thread, as it comes but for compression where a row says so. Its memory and its CPU time are
//! what is measured; the figures are medians of the rounds, 3 if not told. Linux only.
//!
//! `floods` prints another table: how long another connection of the server's thread waits for the
//! echo of 4 bytes while one peer floods. At most 2 ms in the median and 20 ms at the longest, on a
//! quiet machine, is the bound.

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

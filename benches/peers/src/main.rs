//! One load generator, ten WebSocket servers, one table.
//!
//! ```sh
//! cargo run --release -p peers -- [--suite echo|shake|idle|fan|deflate|deflate-fan] [--peer NAME] [--rounds N] [--quick]
//! ```
//!
//! It starts itself once more for each measurement, as `peers serve PEER [COMPRESSION]`: that
//! process is the server, pinned to core 0; this one makes the load, pinned to core 1.

mod cell;
mod compression;
mod load;
mod options;
mod peer;
mod process;
mod run;
mod server;
mod servers;
mod suite;
mod table;
mod wire;

use options::Command;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match Command::parse(std::env::args().skip(1))? {
        Command::Measure(options) => run::run(&options)?,
        Command::Serve(peer, compression) => servers::serve(peer, compression)?,
    }
    Ok(())
}

//! One load generator, ten WebSocket servers, one table.
//!
//! ```sh
//! cargo run --release -p peers -- [--suite NAME] [--peer NAME] [--rounds N] [--quick]
//! ```
//!
//! For each measurement the program starts itself once more, as `peers serve PEER [SETUP]`. That
//! process is the server, on core 0. The first process makes the load, on core 1.

mod cell;
mod compression;
mod load;
mod options;
mod peer;
mod process;
mod rows;
mod run;
mod server;
mod servers;
mod setup;
mod suite;
mod table;
mod wire;

use options::Command;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match Command::parse(std::env::args().skip(1))? {
        Command::Measure(options) => run::run(&options)?,
        Command::Serve(peer, setup) => servers::serve(peer, setup)?,
    }
    Ok(())
}

//! Compares the instructions and allocations of handshakes and messages with the last accepted
//! ones.
//!
//! ```sh
//! cargo run --release -p counts              # fails if a cost is higher than accepted
//! cargo run --release -p counts -- accept    # writes the current costs to accepted.txt
//! ```
//!
//! The program starts itself under callgrind for each row (`counts run ROW`). One thread runs the
//! server and its clients, connected in memory. `benches/README.md` describes the rows.

mod accepted;
mod allocator;
mod client;
mod comparison;
mod cost;
mod environment;
mod measure;
mod row;
mod server;

use std::{env, error::Error, process::ExitCode};

use accepted::Accepted;
use comparison::Comparison;
use environment::Environment;

const USAGE: &str = "usage: counts [accept]";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => compare(),
        ["accept"] => accept(),
        ["run", row] => {
            measure::run(row::named(row).ok_or(USAGE)?);
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(USAGE.into()),
    }
}

fn compare() -> Result<ExitCode, Box<dyn Error>> {
    let environment = Environment::current()?;
    let costs = measure::all(environment.is_some())?;
    let comparison = Comparison::new(Accepted::read()?.as_ref(), environment.as_ref(), &costs);
    println!("{comparison}");
    Ok(report(&[comparison.growth(), comparison.excess()].concat()))
}

fn accept() -> Result<ExitCode, Box<dyn Error>> {
    let environment = Environment::current()?.ok_or("instructions can only be accepted with valgrind")?;
    let costs = measure::all(true)?;
    let comparison = Comparison::new(Accepted::read()?.as_ref(), Some(&environment), &costs);
    println!("{comparison}");
    let excess = comparison.excess();
    if excess.is_empty() {
        Accepted { environment, costs }.write()?;
    }
    Ok(report(&excess))
}

fn report(failures: &[String]) -> ExitCode {
    for failure in failures {
        println!("FAILED: {failure}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

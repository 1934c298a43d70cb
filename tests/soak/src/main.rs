//! A soak test: thousands of connections open, exchange messages, misbehave and end at random, and
//! every message is checked.
//!
//! The package's `README.md` says how to run it, and which limits it checks.

mod child;
mod client;
mod figures;
mod filling;
mod ledger;
mod message;
mod options;
mod process;
mod record;
mod rng;
mod run;
mod server;

use std::{
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
    time::Duration,
};

use options::{Options, USAGE};
use peak_alloc::PeakAlloc;

/// Counts allocated bytes. The resident memory also contains freed memory that the allocator keeps.
#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match &args[..] {
        [role, keepalive] if role == "serve" => serve(keepalive).map(|()| true),
        [help] if help == "--help" => {
            println!("{USAGE}");
            Ok(true)
        }
        _ => Options::parse(args.clone()).and_then(|options| soak(&options, &args)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
}

fn serve(keepalive: &str) -> Result<(), String> {
    let keepalive = keepalive.parse().map_err(|_| "a keepalive in seconds")?;
    runtime()?.block_on(server::run(Duration::from_secs(keepalive)))
}

fn soak(options: &Options, args: &[String]) -> Result<bool, String> {
    // Each side needs one descriptor for each connection, and a few more.
    let needed = options.connections + options.connections / 10 + 200;
    let (soft, hard) = process::descriptor_limits().map_err(|error| error.to_string())?;
    if hard < needed {
        return Err(format!(
            "{needed} descriptors are needed, and `ulimit -Hn` is {hard}: raise it, or take fewer connections"
        ));
    }
    if soft < needed {
        // A shell raises the limit and then executes this program again.
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let script = format!("ulimit -n {needed} && exec \"$0\" \"$@\"");
        let error = Command::new("sh").arg("-c").arg(script).arg(program).args(args).exec();
        return Err(format!("the limit of descriptors cannot be raised: {error}"));
    }
    let Options { time, connections, seed, think, .. } = options;
    println!("{connections} connections for {time:?}, a doing each {think:?} or so, seed {seed}");
    runtime()?.block_on(run::run(options))
}

//! From the options to the tables.

use std::io;

use crate::{options::Options, process, table::Table};

/// Measures each suite in rounds, the peers interleaved, and prints its table.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    process::pin(1)?;
    process::raise_file_limit()?;
    for suite in &options.suites {
        let (cells, mut peers) = (suite.cells(), suite.peers().to_vec());
        if !options.peers.is_empty() {
            peers.retain(|peer| options.peers.contains(peer));
        }
        let mut table = Table::new(suite.title(), peers.clone(), cells.iter().map(|cell| cell.name));
        let rounds = suite.rounds(options.rounds);
        for round in 0..rounds {
            for (row, cell) in cells.iter().enumerate() {
                eprintln!("{suite:?}, round {} of {rounds}: {}", round + 1, cell.name);
                for turn in 0..peers.len() {
                    // Each time it is another peer's turn to be the first.
                    let peer = peers[(turn + row + round) % peers.len()];
                    if !cell.suits(peer) {
                        continue;
                    }
                    match cell.measure(peer, options.length, options.tries) {
                        Ok(sample) => table.add(row, peer, round, sample),
                        Err(error) => eprintln!("  {peer} failed: {error}"),
                    }
                }
            }
        }
        println!("{table}");
    }
    Ok(())
}

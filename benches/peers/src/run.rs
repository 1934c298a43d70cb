//! From the options to the tables.

use std::io;

use crate::{options::Options, process, rows, table::Table};

/// Measures each suite in rounds, with the peers interleaved, and prints its table.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    process::raise_file_limit()?;
    for suite in &options.suites {
        let mut peers = suite.peers().to_vec();
        if !options.peers.is_empty() {
            peers.retain(|peer| options.peers.contains(peer));
        }
        let cells = rows::cells(*suite, options.length)?;
        let obstacle = |peer| {
            let first = cells.first().and_then(|cell| cell.obstacle(peer));
            let every = first.filter(|_| cells.iter().all(|cell| cell.obstacle(peer).is_some()));
            suite.obstacle(peer).or(every)
        };
        let (absent, peers): (Vec<_>, Vec<_>) = peers.into_iter().partition(|peer| obstacle(*peer).is_some());
        let names = cells.iter().flat_map(|cell| cell.rows.iter().cloned());
        let mut table = Table::new(suite.title(), peers.clone(), names);
        for peer in absent {
            table.explain(peer, obstacle(peer).unwrap_or_default());
        }
        let rounds = suite.rounds(options.rounds);
        for round in 0..rounds {
            let mut row = 0;
            for cell in &cells {
                eprintln!("{suite:?}, round {} of {rounds}: {}", round + 1, cell.rows[0]);
                for turn in 0..peers.len() {
                    // Each time, another peer is the first.
                    let peer = peers[(turn + row + round) % peers.len()];
                    if let Some(why) = cell.obstacle(peer) {
                        table.explain(peer, why);
                        continue;
                    }
                    match cell.measure(peer, options.length, options.tries) {
                        Ok(sample) => table.add(row, peer, round, &sample),
                        Err(error) => {
                            eprintln!("  {peer} failed: {error}");
                            table.fail(row, peer, &error);
                        }
                    }
                }
                row += cell.rows.len();
            }
        }
        println!("{table}");
    }
    Ok(())
}

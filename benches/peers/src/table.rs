//! The table: medians, and ratios to the first peer.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
};

use crate::{load::Sample, peer::Peer};

/// A suite's samples.
pub(crate) struct Table {
    title: &'static str,
    peers: Vec<Peer>,
    rows: Vec<Row>,
    samples: usize,
    disturbed: usize,
    /// Why some values are missing.
    notes: BTreeSet<String>,
}

struct Row {
    name: String,
    /// By the peer's place and the round.
    values: BTreeMap<(usize, usize), f64>,
}

impl Table {
    pub(crate) fn new(title: &'static str, peers: Vec<Peer>, rows: impl Iterator<Item = String>) -> Self {
        let rows = rows.map(|name| Row { name, values: BTreeMap::new() }).collect();
        Self { title, peers, rows, samples: 0, disturbed: 0, notes: BTreeSet::new() }
    }

    /// Adds the values of a sample to the rows from `row` on.
    pub(crate) fn add(&mut self, row: usize, peer: Peer, round: usize, sample: &Sample) {
        let place = self.peers.iter().position(|other| *other == peer).expect("the table is of these peers");
        for (row, value) in self.rows[row..].iter_mut().zip(&sample.values) {
            row.values.insert((place, round), *value);
        }
        self.samples += 1;
        self.disturbed += usize::from(!sample.is_calm());
    }

    /// Notes below the table why a peer has no value.
    pub(crate) fn explain(&mut self, peer: Peer, why: &str) {
        self.notes.insert(format!("{peer}: {why}."));
    }

    /// Notes below the table that a measurement failed.
    pub(crate) fn fail(&mut self, row: usize, peer: Peer, error: &io::Error) {
        self.notes.insert(format!("{peer} failed at \"{}\": {error}.", self.rows[row].name));
    }
}

impl Row {
    fn median(&self, place: usize) -> Option<f64> {
        median(self.values.range((place, 0)..(place + 1, 0)).map(|(_, value)| *value).collect())
    }

    /// Returns the median of the rounds' ratios to the first peer. A slow round has no influence on
    /// it.
    fn ratio(&self, place: usize) -> Option<f64> {
        let own = self.values.range((place, 0)..(place + 1, 0));
        let ratios = own.filter_map(|(&(_, round), value)| Some(value / self.values.get(&(0, round))?));
        median(ratios.filter(|ratio| ratio.is_finite()).collect())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "**{}**\n\n|", self.title)?;
        for peer in &self.peers {
            write!(f, " | {peer}")?;
        }
        write!(f, " |\n| ---{} |", " | ---:".repeat(self.peers.len()))?;
        for row in &self.rows {
            write!(f, "\n| {}", row.name)?;
            for place in 0..self.peers.len() {
                match (row.median(place), row.ratio(place)) {
                    (Some(value), Some(ratio)) if place > 0 => {
                        write!(f, " | {} ({ratio:.2})", Digits(value))?
                    }
                    (Some(value), _) => write!(f, " | {}", Digits(value))?,
                    (None, _) => write!(f, " | –")?,
                }
            }
            write!(f, " |")?;
        }
        writeln!(f, "\n\n{} of {} samples were disturbed.", self.disturbed, self.samples)?;
        if !self.notes.is_empty() {
            writeln!(f)?;
        }
        for note in &self.notes {
            writeln!(f, "- {note}")?;
        }
        Ok(())
    }
}

/// A number with about three digits.
struct Digits(f64);

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = match self.0 {
            x if x >= 100.0 => 0,
            x if x >= 10.0 => 1,
            _ => 2,
        };
        write!(f, "{:.decimals$}", self.0)
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    Some(if values.len() % 2 == 1 { upper } else { (values[values.len() / 2 - 1] + upper) / 2.0 })
}

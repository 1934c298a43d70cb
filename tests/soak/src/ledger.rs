//! Compares the reports of both sides about each connection.

use std::collections::{BTreeMap, HashMap};

use crate::{
    client::{Rule, Side},
    record::{How, Record},
};

/// How many findings are kept.
const MAX_FINDINGS: usize = 30;

/// Compares the reports of both sides about each connection.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Connections that only one side has reported.
    sides: HashMap<u64, Side>,
    records: HashMap<u64, Record>,
    /// How often each plan was carried out, and how many messages were checked.
    plans: BTreeMap<&'static str, usize>,
    pub(crate) up: u64,
    pub(crate) down: u64,
    findings: Vec<String>,
    found: usize,
}

impl Ledger {
    pub(crate) fn side(&mut self, side: Side) {
        *self.plans.entry(side.plan).or_default() += 1;
        match self.records.remove(&side.id) {
            Some(record) => self.compare(&side, &record),
            None => drop(self.sides.insert(side.id, side)),
        }
    }

    pub(crate) fn record(&mut self, record: Record) {
        match self.sides.remove(&record.id) {
            Some(side) => self.compare(&side, &record),
            None => drop(self.records.insert(record.id, record)),
        }
    }

    pub(crate) fn find(&mut self, finding: String) {
        self.found += 1;
        if self.findings.len() < MAX_FINDINGS {
            println!("FOUND: {finding}");
            self.findings.push(finding);
        }
    }

    /// Returns whether nothing was found so far.
    pub(crate) fn is_clean(&self) -> bool {
        self.found == 0
    }

    pub(crate) fn found(&self) -> usize {
        self.found
    }

    /// Ends the comparison. If only one side has reported a connection, its plan must allow that.
    pub(crate) fn close(&mut self) {
        let sides = std::mem::take(&mut self.sides);
        for side in sides.into_values().filter(|side| side.rule != Rule::Perhaps) {
            self.find(format!("the server says nothing of {side:?}"));
        }
        for record in std::mem::take(&mut self.records).into_values() {
            self.find(format!("no client says anything of {record:?}"));
        }
    }

    /// Returns the clients' plans, and how often each was carried out.
    pub(crate) fn plans(&self) -> String {
        let plans: Vec<_> = self.plans.iter().map(|(plan, count)| format!("{plan} {count}")).collect();
        plans.join(", ")
    }

    fn compare(&mut self, side: &Side, record: &Record) {
        self.up += record.up;
        self.down += side.down;
        let up = record.up == side.up;
        let down = record.down == side.down;
        // A failed send may be partly in flight, and data in flight may be cut off.
        let up_prefix = record.up <= side.up;
        let down_prefix = side.down <= record.down + 1;
        let is_right = match side.rule {
            Rule::Exact(code) => up && down && (record.code == code || record.code == 0),
            Rule::All => up && down,
            Rule::Up => up && down_prefix,
            Rule::Prefix | Rule::Perhaps => up_prefix && down_prefix,
        };
        let was_dropped =
            record.how == How::Dropped && side.rule != Rule::Prefix && side.rule != Rule::Perhaps;
        if !is_right || record.fault.is_some() || was_dropped {
            self.find(format!("{side:?} does not fit {record:?}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{How, Ledger, Record, Rule, Side};

    fn fits(rule: Rule, (up, down): (u64, u64), code: u16) -> bool {
        let mut ledger = Ledger::default();
        ledger.side(Side { id: 1, plan: "test", up: 10, down: 20, rule });
        ledger.record(Record { id: 1, up, down, code, how: How::Received, fault: None });
        ledger.close();
        ledger.is_clean()
    }

    #[test]
    fn missing_message_is_found() {
        let exact = Rule::Exact(1000);
        for (rule, (up, down), code, expected) in [
            (exact, (10, 20), 1000, true),
            (exact, (10, 20), 0, true),
            (exact, (10, 20), 1006, false),
            (exact, (9, 20), 1000, false),
            (exact, (10, 21), 1000, false),
            (Rule::All, (10, 20), 1006, true),
            (Rule::All, (10, 21), 1006, false),
            (Rule::Up, (10, 25), 1000, true),
            (Rule::Up, (9, 25), 1000, false),
            (Rule::Prefix, (3, 25), 1006, true),
            (Rule::Prefix, (11, 25), 1006, false),
            (Rule::Prefix, (3, 18), 1006, false),
        ] {
            assert_eq!(fits(rule, (up, down), code), expected, "{rule:?} {up} {down} {code}");
        }
    }

    #[test]
    fn connection_known_to_one_side_is_found() {
        for (rule, expected) in [(Rule::Prefix, false), (Rule::Perhaps, true)] {
            let mut ledger = Ledger::default();
            ledger.side(Side { id: 1, plan: "test", up: 0, down: 0, rule });
            ledger.close();
            assert_eq!(ledger.is_clean(), expected);
        }
        let mut ledger = Ledger::default();
        ledger.record(Record { id: 1, up: 0, down: 0, code: 0, how: How::Received, fault: None });
        ledger.close();
        assert!(!ledger.is_clean());
    }
}

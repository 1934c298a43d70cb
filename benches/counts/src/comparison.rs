//! Compares current costs with the accepted ones, without IO.

use std::fmt;

use crate::{accepted::Accepted, cost::Cost, environment::Environment, row};

/// How much instructions may grow. Two runs of the same program differ by less than a thousandth.
const SAME_TOOLS: f64 = 0.03;

/// How much instructions may grow with another rustc, valgrind or C library.
const OTHER_TOOLS: f64 = 0.15;

/// How much allocations and their bytes may grow. They are the same each time, with rare
/// exceptions.
const ALLOCATIONS: f64 = 0.01;

/// The current and the accepted cost of each row.
pub(crate) struct Comparison {
    lines: Vec<Line>,
    instructions: Instructions,
}

struct Line {
    row: String,
    now: Cost,
    accepted: Option<Cost>,
}

/// How instructions are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Instructions {
    MayGrowBy(f64),
    /// Counts of another processor cannot be compared.
    OnOtherProcessor,
    NotCounted,
}

impl Comparison {
    /// Compares the costs. `environment` is `None` if instructions are not counted.
    pub(crate) fn new(
        accepted: Option<&Accepted>,
        environment: Option<&Environment>,
        costs: &[(String, Cost)],
    ) -> Self {
        let instructions = match (accepted.map(|accepted| &accepted.environment), environment) {
            (_, None) => Instructions::NotCounted,
            (Some(then), Some(now)) if then.processor != now.processor => Instructions::OnOtherProcessor,
            (Some(then), Some(now)) if then.tools != now.tools => Instructions::MayGrowBy(OTHER_TOOLS),
            _ => Instructions::MayGrowBy(SAME_TOOLS),
        };
        let line = |(row, now): &(String, Cost)| Line {
            row: row.clone(),
            now: *now,
            accepted: accepted.and_then(|accepted| accepted.cost(row)),
        };
        Self { lines: costs.iter().map(line).collect(), instructions }
    }

    /// Returns the costs that are higher than accepted, and the costs that were not accepted yet.
    pub(crate) fn growth(&self) -> Vec<String> {
        self.lines.iter().flat_map(|line| line.growth(self.instructions)).collect()
    }

    /// Returns the costs that cannot be accepted.
    pub(crate) fn excess(&self) -> Vec<String> {
        self.lines.iter().filter_map(Line::excess).collect()
    }
}

impl Line {
    fn growth(&self, instructions: Instructions) -> Vec<String> {
        let Self { row, now, accepted } = self;
        let Some(accepted) = accepted else { return vec![format!("{row}: not accepted yet")] };
        let mut growth = Vec::new();
        let mut compare = |what, now: f64, accepted: f64, by: f64, rounding: f64| {
            if now > accepted * (1.0 + by) + rounding {
                let percent = 100.0 * (now / accepted - 1.0);
                growth.push(format!(
                    "{row}: {now:.2} {what} instead of {accepted:.2}, {percent:+.1} % where {:.0} % are allowed",
                    100.0 * by
                ));
            }
        };
        if let (Instructions::MayGrowBy(by), Some(now), Some(accepted)) =
            (instructions, now.instructions, accepted.instructions)
        {
            compare("instructions", now, accepted, by, 0.5);
        }
        compare("allocations", now.allocations, accepted.allocations, ALLOCATIONS, 0.01);
        compare("bytes allocated", now.bytes, accepted.bytes, ALLOCATIONS, 1.0);
        growth
    }

    fn excess(&self) -> Option<String> {
        let (row, now) = (&self.row, self.now.allocations);
        let max = row::named(row)?.max_allocations?;
        (now > max).then(|| format!("{row}: {now:.2} allocations, more than the limit of {max}"))
    }
}

impl fmt::Display for Comparison {
    /// Formats a table, with the accepted costs in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | instructions | allocations | bytes allocated |\n| --- | ---: | ---: | ---: |")?;
        for Line { row, now, accepted } in &self.lines {
            let instructions = cell(0, now.instructions, accepted.and_then(|accepted| accepted.instructions));
            let allocations = cell(2, Some(now.allocations), accepted.map(|accepted| accepted.allocations));
            let bytes = cell(1, Some(now.bytes), accepted.map(|accepted| accepted.bytes));
            writeln!(f, "| {row} | {instructions} | {allocations} | {bytes} |")?;
        }
        match self.instructions {
            Instructions::NotCounted => {
                writeln!(f, "\nSKIPPED: the instructions: valgrind is not installed")
            }
            Instructions::OnOtherProcessor => {
                writeln!(
                    f,
                    "\nSKIPPED: comparing instructions: the accepted ones were counted on another processor"
                )
            }
            Instructions::MayGrowBy(OTHER_TOOLS) => writeln!(
                f,
                "\nWARNING: the accepted instructions were counted with other tools, so that up to 15 % more pass"
            ),
            Instructions::MayGrowBy(_) => Ok(()),
        }
    }
}

fn cell(digits: usize, now: Option<f64>, accepted: Option<f64>) -> String {
    match (now, accepted) {
        (None, _) => "–".to_owned(),
        (Some(now), None) => format!("{now:.digits$}"),
        (Some(now), Some(accepted)) => format!("{now:.digits$} ({accepted:.digits$})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCEPTED: Cost = Cost { instructions: Some(1000.0), allocations: 10.0, bytes: 1000.0 };

    fn environment(tools: &str, processor: &str) -> Environment {
        Environment { tools: tools.to_owned(), processor: processor.to_owned() }
    }

    fn compare(row: &str, now: Cost, environment_now: Option<&Environment>) -> Comparison {
        let costs = vec![("handshake".to_owned(), ACCEPTED), ("echo of 125 B".to_owned(), ACCEPTED)];
        let accepted = Accepted { environment: environment("same", "same"), costs };
        Comparison::new(Some(&accepted), environment_now, &[(row.to_owned(), now)])
    }

    #[test]
    fn growth_fails_and_is_named() {
        for (tools, processor, instructions, what) in [
            ("same", "same", 1030.0, None),
            ("same", "same", 1031.0, Some("handshake: 1031.00 instructions instead of 1000.00, +3.1 %")),
            ("same", "same", 500.0, None),
            ("other", "same", 1150.0, None),
            ("other", "same", 1151.0, Some("handshake: 1151.00 instructions")),
            ("same", "other", 9000.0, None),
        ] {
            let now = Cost { instructions: Some(instructions), ..ACCEPTED };
            let growth = compare("handshake", now, Some(&environment(tools, processor))).growth();
            match what {
                None => assert!(growth.is_empty(), "{growth:?}"),
                Some(what) => assert!(growth.len() == 1 && growth[0].starts_with(what), "{growth:?}"),
            }
        }
    }

    #[test]
    fn allocations_are_compared_without_valgrind_too() {
        for (allocations, bytes, what) in
            [(10.1, 1010.0, None), (10.2, 1000.0, Some("10.20 allocations")), (10.0, 1012.0, Some("bytes"))]
        {
            let growth =
                compare("handshake", Cost { instructions: None, allocations, bytes }, None).growth().concat();
            assert_eq!(what.is_some(), !growth.is_empty(), "{growth}");
            assert!(growth.contains(what.unwrap_or_default()), "{growth}");
        }
    }

    #[test]
    fn unaccepted_row_fails() {
        let same = environment("same", "same");
        assert_eq!(
            compare("64 B to 100 sockets", ACCEPTED, Some(&same)).growth(),
            ["64 B to 100 sockets: not accepted yet"]
        );
    }

    #[test]
    fn second_allocation_for_a_small_message_is_never_accepted() {
        for (row, allocations, is_excess) in
            [("echo of 125 B", 1.0, false), ("echo of 125 B", 1.01, true), ("handshake", 100.0, false)]
        {
            let comparison = compare(row, Cost { allocations, ..ACCEPTED }, None);
            assert_eq!(!comparison.excess().is_empty(), is_excess, "{row}, {allocations}");
        }
    }

    #[test]
    fn skipped_comparisons_are_reported() {
        for (environment, said) in [
            (None, "SKIPPED: the instructions"),
            (Some(environment("same", "other")), "SKIPPED: comparing"),
            (Some(environment("other", "same")), "WARNING"),
        ] {
            let table = compare("handshake", ACCEPTED, environment.as_ref()).to_string();
            assert!(table.contains(said), "{table}");
        }
        let same = environment("same", "same");
        let table = compare("handshake", ACCEPTED, Some(&same)).to_string();
        assert!(
            table.ends_with("| handshake | 1000 (1000) | 10.00 (10.00) | 1000.0 (1000.0) |\n"),
            "{table}"
        );
    }
}

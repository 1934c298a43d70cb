//! The file of accepted costs.

use std::{fmt, fs, io, path::Path};

use crate::{cost::Cost, environment::Environment};

const HEAD: &str =
    "# Written by `cargo run --release -p counts -- accept`. Of one handshake, message or delivery:\n";

/// The accepted costs, and the environment in which they were counted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Accepted {
    pub(crate) environment: Environment,
    pub(crate) costs: Vec<(String, Cost)>,
}

impl Accepted {
    /// Reads the file. Returns `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read or parsed.
    pub(crate) fn read() -> io::Result<Option<Self>> {
        match fs::read_to_string(path()) {
            Ok(text) => {
                Self::parse(&text).map(Some).ok_or_else(|| io::Error::other("accepted.txt is malformed"))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// Returns errors of the file system.
    pub(crate) fn write(&self) -> io::Result<()> {
        fs::write(path(), self.to_string())
    }

    /// Returns the accepted cost of a row.
    pub(crate) fn cost(&self, row: &str) -> Option<Cost> {
        self.costs.iter().find(|(name, _)| name == row).map(|(_, cost)| *cost)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix(HEAD)?.lines();
        let tools = lines.next()?.strip_prefix("tools: ")?.to_owned();
        let processor = lines.next()?.strip_prefix("processor: ")?.to_owned();
        let costs = lines.map(|line| {
            let (name, cost) = line.split_once(": ")?;
            let mut numbers = cost.split(", ").map(|part| part.split_once(' ')?.0.parse().ok());
            let instructions = Some(numbers.next()??);
            Some((
                name.to_owned(),
                Cost { instructions, allocations: numbers.next()??, bytes: numbers.next()?? },
            ))
        });
        Some(Self { environment: Environment { tools, processor }, costs: costs.collect::<Option<_>>()? })
    }
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Environment { tools, processor } = &self.environment;
        write!(f, "{HEAD}tools: {tools}\nprocessor: {processor}\n")?;
        for (row, Cost { instructions, allocations, bytes }) in &self.costs {
            let instructions = instructions.expect("accepted only with valgrind");
            writeln!(
                f,
                "{row}: {instructions:.0} instructions, {allocations:.2} allocations, {bytes:.1} bytes"
            )?;
        }
        Ok(())
    }
}

fn path() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/accepted.txt"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_costs_are_read() {
        let cost = Cost { instructions: Some(2970.0), allocations: 1.25, bytes: 130.5 };
        let environment =
            Environment { tools: "rustc 1.95.0, valgrind-3.19.0".into(), processor: "x86_64".into() };
        let accepted = Accepted { environment, costs: vec![("echo of 125 B, 16 in flight".into(), cost)] };
        assert_eq!(Accepted::parse(&accepted.to_string()), Some(accepted));
    }

    #[test]
    fn malformed_file_is_rejected() {
        let start = format!("{HEAD}tools: a\nprocessor: b\n");
        assert!(Accepted::parse(&start).is_some());
        for end in ["echo", "echo: 1 instructions", "echo: 1 instructions, many allocations, 1 bytes"] {
            assert_eq!(Accepted::parse(&(start.clone() + end)), None, "{end}");
        }
        assert_eq!(Accepted::parse(""), None);
    }
}

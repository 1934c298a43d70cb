//! The command line.

use std::time::Duration;

/// The options of the command line.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// How long the load lasts. After that, all clients may finish.
    pub(crate) time: Duration,
    /// The number of simultaneous connections.
    pub(crate) connections: usize,
    pub(crate) seed: u64,
    /// The mean time between two actions of one client.
    pub(crate) think: Duration,
    /// The limit of the server's resident memory, in bytes.
    pub(crate) ceiling: u64,
}

pub(crate) const USAGE: &str = "\
soak [--minutes N | --seconds N] [--connections N] [--seed N] [--think SECONDS] [--ceiling MIB]

  --minutes N       how long the load lasts (default: 30)
  --seconds N       the same in seconds
  --connections N   the number of simultaneous connections (default: 5000)
  --seed N          the seed of the clients' plans (default: a new one each time)
  --think SECONDS   the mean time between two actions of one client (default: 10)
  --ceiling MIB     the resident memory of the server at which the run fails at once (default: 2048)";

impl Options {
    /// Parses the arguments, without the program's name.
    pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            time: Duration::from_secs(30 * 60),
            connections: 5000,
            seed: std::time::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos() as u64),
            think: Duration::from_secs(10),
            ceiling: 2048 << 20,
        };
        let mut args = args.into_iter();
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            let number: u64 = value.parse().map_err(|_| format!("{name} needs a number, not {value:?}"))?;
            match &*name {
                "--minutes" => options.time = Duration::from_secs(60 * number),
                "--seconds" => options.time = Duration::from_secs(number),
                "--connections" => options.connections = number as usize,
                "--seed" => options.seed = number,
                "--think" => options.think = Duration::from_secs(number),
                "--ceiling" => options.ceiling = number << 20,
                _ => return Err(format!("unknown option {name}")),
            }
        }
        if options.time.is_zero() || options.connections == 0 || options.think.is_zero() {
            return Err("the time, the connections and the think time must not be 0".to_owned());
        }
        Ok(options)
    }

    /// Returns the keepalive interval and timeout. It is short enough that timeouts happen even in
    /// a short run.
    pub(crate) fn keepalive(&self) -> Duration {
        (self.time / 12).clamp(Duration::from_secs(3), Duration::from_secs(20))
    }
}

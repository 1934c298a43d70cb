//! The command line.

use std::time::Duration;

/// What the command line says.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// How long there is load, after which everyone may finish.
    pub(crate) time: Duration,
    /// How many connections there are at a time.
    pub(crate) connections: usize,
    pub(crate) seed: u64,
    /// The mean time between two doings of one client.
    pub(crate) think: Duration,
    /// How much resident memory the server may have, in bytes.
    pub(crate) ceiling: u64,
}

pub(crate) const USAGE: &str = "\
soak [--minutes N | --seconds N] [--connections N] [--seed N] [--think SECONDS] [--ceiling MIB]

  --minutes N       for how long connections come and go; 30
  --seconds N       the same in seconds
  --connections N   how many there are at a time; 5000
  --seed N          what the clients' plans come from; by default another one each time
  --think SECONDS   the mean time between two doings of one client; 10
  --ceiling MIB     at how much resident memory of the server the run fails at once; 2048";

impl Options {
    /// Reads the arguments, without the program's name.
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
                _ => return Err(format!("there is no {name}")),
            }
        }
        if options.time.is_zero() || options.connections == 0 || options.think.is_zero() {
            return Err("a time, a number of connections and a time to think must not be 0".to_owned());
        }
        Ok(options)
    }

    /// After how much silence the server pings, and after how much more it gives a client up: in a
    /// short run so soon that it happens there.
    pub(crate) fn keepalive(&self) -> Duration {
        (self.time / 12).clamp(Duration::from_secs(3), Duration::from_secs(20))
    }
}

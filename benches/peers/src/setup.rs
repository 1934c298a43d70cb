//! How a server is set up for a measurement.

use crate::{compression::Compression, process};

/// How a server is set up: the same for every peer of a row.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Setup {
    pub(crate) compression: Option<Compression>,
    pub(crate) transport: Transport,
    /// Worker threads of tokio's multi-threaded runtime. `None` is the runtime of one thread.
    pub(crate) workers: Option<usize>,
}

/// What carries the WebSockets.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) enum Transport {
    /// HTTP/1.1 on TCP.
    #[default]
    Tcp,
    /// HTTP/1.1 on TLS 1.3.
    Tls,
    /// HTTP/2 with prior knowledge on TCP (RFC 8441).
    Http2,
}

impl Setup {
    /// Returns the command line's words for this setup.
    pub(crate) fn arguments(self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(compression) = self.compression {
            words.extend(["--compression".to_owned(), compression.to_string()]);
        }
        match self.transport {
            Transport::Tcp => {}
            Transport::Tls => words.push("--tls".to_owned()),
            Transport::Http2 => words.push("--http2".to_owned()),
        }
        if let Some(workers) = self.workers {
            words.extend(["--workers".to_owned(), workers.to_string()]);
        }
        words
    }

    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut setup = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--compression" => setup.compression = Some(value()?.parse()?),
                "--tls" => setup.transport = Transport::Tls,
                "--http2" => setup.transport = Transport::Http2,
                "--workers" => {
                    let workers = value()?.parse().map_err(|_| "--workers needs a number".to_owned())?;
                    setup.workers = Some(workers);
                }
                _ => return Err(format!("{word} is not a way to set up a server")),
            }
        }
        Ok(setup)
    }

    /// Returns the cores for the server and the core for the load generator.
    ///
    /// A server of two workers has two cores of its own where the machine has three. On a machine
    /// of two cores, the load generator shares the second one with it.
    pub(crate) fn cores(self) -> (&'static [usize], usize) {
        match self.workers {
            Some(2..) if process::cores() > 2 => (&[0, 1], 2),
            Some(2..) => (&[0, 1], 1),
            _ => (&[0], 1),
        }
    }
}

/// A server with this transport, and otherwise as by default.
impl From<Transport> for Setup {
    fn from(transport: Transport) -> Self {
        Self { transport, ..Self::default() }
    }
}

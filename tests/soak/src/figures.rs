//! The resources that a run uses.

use std::{fmt, time::Duration};

use crate::{child::Stats, process::Process};

/// The resources of the server at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) at: Duration,
    pub(crate) clients: usize,
    pub(crate) stats: Stats,
    pub(crate) resident: u64,
    pub(crate) descriptors: usize,
    /// The CPU time of the server and of the clients so far.
    pub(crate) cpu: [Duration; 2],
}

impl Figures {
    pub(crate) fn now(at: Duration, clients: usize, stats: Stats, server: Process) -> Self {
        Self {
            at,
            clients,
            stats,
            resident: server.resident(),
            descriptors: server.descriptors(),
            cpu: [server, Process(std::process::id())].map(Process::cpu_time),
        }
    }

    /// Returns the CPU load of the server and of the clients since then, in percent of one core.
    pub(crate) fn load_since(&self, before: &Self) -> [f64; 2] {
        let time = (self.at.saturating_sub(before.at)).as_secs_f64().max(0.001);
        [0, 1].map(|i| 100.0 * self.cpu[i].saturating_sub(before.cpu[i]).as_secs_f64() / time)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (minutes, seconds) = (self.at.as_secs() / 60, self.at.as_secs() % 60);
        let Stats { sockets, tasks, .. } = self.stats;
        let (clients, descriptors) = (self.clients, self.descriptors);
        let [resident, heap] = [self.resident, self.stats.heap as u64].map(mib);
        write!(
            f,
            "{minutes:02}:{seconds:02}  {clients:5} clients  server: {sockets:5} sockets  {tasks:5} tasks  \
             {descriptors:5} descriptors  {resident:6.1} MiB, {heap:.1} allocated"
        )
    }
}

/// Converts bytes to MiB.
pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

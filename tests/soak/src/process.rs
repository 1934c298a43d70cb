//! Information that Linux provides about processes.

use std::{fs, io, time::Duration};

/// A process by its id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Returns the resident memory, in bytes.
    pub(crate) fn resident(self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() << 10
    }

    /// Returns the number of open descriptors.
    pub(crate) fn descriptors(self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.0)).map_or(0, Iterator::count)
    }

    /// Returns the CPU time, user and system.
    pub(crate) fn cpu_time(self) -> Duration {
        let mut nanos = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0)).into_iter().flatten().flatten() {
            let times = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            nanos += times.split_whitespace().next().and_then(|time| time.parse::<u64>().ok()).unwrap_or(0);
        }
        Duration::from_nanos(nanos)
    }
}

/// Returns the soft and the hard limit of this process's open descriptors.
pub(crate) fn descriptor_limits() -> io::Result<(usize, usize)> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let mut limits = line.unwrap_or_default().split_whitespace().map(|word| match word {
        "unlimited" => Some(usize::MAX),
        word => word.parse().ok(),
    });
    match (limits.next().flatten(), limits.next().flatten()) {
        (Some(soft), Some(hard)) => Ok((soft, hard)),
        _ => Err(io::Error::other("no `Max open files` in /proc/self/limits")),
    }
}

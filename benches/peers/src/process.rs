//! Processes on Linux: CPU time, memory, affinity, open files.

use std::{fs, io};

/// A process by its id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    pub(crate) fn this() -> Self {
        Self(std::process::id())
    }

    /// Returns the nanoseconds of CPU time, user and system, of all its threads.
    pub(crate) fn cpu_time(self) -> io::Result<u64> {
        let mut sum = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0))? {
            let times = fs::read_to_string(thread?.path().join("schedstat"))?;
            sum += times.split_whitespace().next().and_then(|time| time.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(sum)
    }

    /// Returns the bytes of resident memory.
    pub(crate) fn resident(self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.map(|n| n * 1024).ok_or_else(|| io::Error::other("no VmRSS"))
    }
}

/// Returns the nanoseconds of CPU time in which the whole machine was busy, or its host was.
pub(crate) fn machine_time() -> io::Result<u64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let first = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = first.split_whitespace().skip(1).filter_map(|tick| tick.parse().ok()).collect();
    match ticks[..] {
        [user, nice, system, _idle, _wait, irq, softirq, steal, ..] => {
            Ok((user + nice + system + irq + softirq + steal) * 10_000_000)
        }
        _ => Err(io::Error::other("/proc/stat is too short")),
    }
}

/// Returns the number of cores of the machine, regardless of those that this process may use.
pub(crate) fn cores() -> usize {
    // SAFETY: the call takes no pointers.
    let cores = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    usize::try_from(cores).unwrap_or(1)
}

/// Keeps this thread, and the threads that it starts, on these cores.
pub(crate) fn pin(cores: &[usize]) -> io::Result<()> {
    // SAFETY: all zero bits are the empty set. `CPU_SET` checks the index. The call only reads the
    // set, and its size is the one that is passed.
    let status = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        for core in cores {
            libc::CPU_SET(*core, &mut set);
        }
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set)
    };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Raises the limit of open files as far as the system allows: ten thousand connections need that.
pub(crate) fn raise_file_limit() -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a valid `rlimit` of this frame.
    let status = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit)
    };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

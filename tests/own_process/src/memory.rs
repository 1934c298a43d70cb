//! The memory of this process, on Linux.

use std::fs;

/// Returns the resident memory, in bytes.
pub fn resident() -> usize {
    status("VmRSS:")
}

/// Returns the largest resident memory since the last call of [`reset_peak`], in bytes.
pub fn peak() -> usize {
    status("VmHWM:")
}

/// Resets the largest resident memory to the current one.
pub fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("Linux allows it");
}

fn status(field: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has this file");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field exists");
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes << 10
}

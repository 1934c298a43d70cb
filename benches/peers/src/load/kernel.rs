//! The kernel's memory for sockets.

use std::{fs, io};

/// The caches of the objects that each end of a connection has: the socket, its inode, its file,
/// and its entry in epoll.
const CACHES: [&str; 4] = ["TCP", "sock_inode_cache", "filp", "eventpoll_epi"];

/// Bytes of the other objects of a socket: its directory entry (192), its wait queue in epoll (64),
/// and its label (32). Other processes have too many of these to count those of the sockets.
const MORE: u64 = 288;

/// Returns the bytes of such objects on the whole machine, and of the buffers of TCP.
///
/// Only root may read the first.
pub(super) fn kernel_memory() -> io::Result<u64> {
    let objects = fs::read_to_string("/proc/slabinfo")?;
    let mut bytes = 0;
    for line in objects.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if let [name, active, _, size, ..] = words[..] {
            if CACHES.contains(&name) {
                bytes += number(active)? * number(size)?;
            }
            if name == "TCP" {
                bytes += number(active)? * MORE;
            }
        }
    }
    Ok(bytes + tcp_buffers()?)
}

/// Returns the bytes of the buffers of TCP on the whole machine.
pub(super) fn tcp_buffers() -> io::Result<u64> {
    let sockets = fs::read_to_string("/proc/net/sockstat")?;
    let buffers = sockets.lines().find_map(|line| line.strip_prefix("TCP:")?.split_once("mem "));
    let (_, pages) = buffers.ok_or_else(|| io::Error::other("/proc/net/sockstat has no TCP memory"))?;
    Ok(number(pages.trim())? * 4096)
}

fn number(word: &str) -> io::Result<u64> {
    word.parse().map_err(io::Error::other)
}

//! Readiness of many sockets.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

/// An epoll instance; each socket goes by its index.
pub(crate) struct Epoll {
    fd: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: it takes no pointers.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else's.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { fd, events: vec![libc::epoll_event { events: 0, u64: 0 }; 1024] })
    }

    /// Waits for `socket` to be readable from now on; closing the socket ends that.
    pub(crate) fn add(&self, socket: &impl AsRawFd, index: usize) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, socket, index, libc::EPOLLIN)
    }

    /// Waits for `socket` to be writable too, or no longer.
    pub(crate) fn want_write(&self, socket: &impl AsRawFd, index: usize, wanted: bool) -> io::Result<()> {
        let write = if wanted { libc::EPOLLOUT } else { 0 };
        self.control(libc::EPOLL_CTL_MOD, socket, index, libc::EPOLLIN | write)
    }

    fn control(&self, operation: i32, socket: &impl AsRawFd, index: usize, interest: i32) -> io::Result<()> {
        let mut event = libc::epoll_event { events: interest as u32, u64: index as u64 };
        // SAFETY: `event` outlives the call, and the descriptors are checked by the kernel.
        let status =
            unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), operation, socket.as_raw_fd(), &mut event) };
        if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// The indices of the sockets that are ready; an error when there are none for 5 seconds.
    pub(crate) fn wait(&mut self) -> io::Result<impl Iterator<Item = usize> + use<'_>> {
        // SAFETY: the buffer is as long as said.
        let ready = unsafe {
            libc::epoll_wait(self.fd.as_raw_fd(), self.events.as_mut_ptr(), self.events.len() as i32, 5000)
        };
        match ready {
            0 => Err(io::Error::other("stalled")),
            1.. => Ok(self.events[..ready as usize].iter().map(|event| event.u64 as usize)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

//! Readiness of many sockets.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

/// An epoll instance. It names each socket by an index.
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
        // SAFETY: the descriptor is new and owned by no other value.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { fd, events: vec![libc::epoll_event { events: 0, u64: 0 }; 1024] })
    }

    /// Watches `socket` for input, until the socket is closed.
    pub(crate) fn add(&self, socket: &impl AsRawFd, index: usize) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, socket, index, libc::EPOLLIN)
    }

    /// Watches `socket` for space to write too, or no longer.
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

    /// Returns the indices of the sockets that are ready, or an error if there are none for 5
    /// seconds.
    pub(crate) fn wait(&mut self) -> io::Result<impl Iterator<Item = usize> + use<'_>> {
        let mut ready = self.ready(5000)?.peekable();
        if ready.peek().is_none() { Err(io::Error::other("stalled")) } else { Ok(ready) }
    }

    /// Returns the indices of the sockets that are ready now.
    pub(crate) fn poll(&mut self) -> io::Result<impl Iterator<Item = usize> + use<'_>> {
        self.ready(0)
    }

    fn ready(&mut self, milliseconds: i32) -> io::Result<impl Iterator<Item = usize> + use<'_>> {
        let (events, length) = (self.events.as_mut_ptr(), self.events.len() as i32);
        // SAFETY: `events` points to a buffer of `length` events.
        let ready = unsafe { libc::epoll_wait(self.fd.as_raw_fd(), events, length, milliseconds) };
        match ready {
            0.. => Ok(self.events[..ready as usize].iter().map(|event| event.u64 as usize)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

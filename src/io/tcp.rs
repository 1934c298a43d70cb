//! The options of TCP sockets.

use std::{any::Any, io};

use tokio::net::TcpStream;

use super::{Rewind, UpgradedIo};

/// The options that are set on a TCP socket when its WebSocket opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TcpOptions {
    pub(crate) nodelay: bool,
    /// 0 selects the system's default.
    #[cfg_attr(not(any(target_os = "android", target_os = "linux")), allow(dead_code))]
    pub(crate) notsent_lowat: u32,
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self { nodelay: true, notsent_lowat: 128 * 1024 }
    }
}

impl TcpOptions {
    /// Sets the options if `io` is a TCP socket.
    pub(crate) fn apply(self, io: &dyn Any) -> io::Result<()> {
        let Some(tcp) = tcp(io) else { return Ok(()) };
        tcp.set_nodelay(self.nodelay)?;
        #[cfg(any(target_os = "android", target_os = "linux"))]
        socket2::SockRef::from(tcp).set_tcp_notsent_lowat(self.notsent_lowat)?;
        Ok(())
    }
}

/// Makes the next bytes that are written to `io` wait until it is shut down, if it is a TCP socket.
/// One segment then contains them and the FIN. The system waits for at most 200 ms.
pub(crate) fn send_with_fin(io: &dyn Any) {
    if let Some(_tcp) = tcp(io) {
        // If it fails, the FIN takes a segment of its own.
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let _ = socket2::SockRef::from(_tcp).set_tcp_cork(true);
    }
}

/// Returns `io` as a TCP socket, or the TCP socket inside it.
fn tcp(io: &dyn Any) -> Option<&TcpStream> {
    if let Some(upgraded) = io.downcast_ref::<UpgradedIo>() {
        return upgraded.as_tcp();
    }
    if let Some(rewind) = io.downcast_ref::<Rewind<TcpStream>>() {
        return Some(rewind.get_ref());
    }
    if let Some(rewind) = io.downcast_ref::<Rewind<UpgradedIo>>() {
        return rewind.get_ref().as_tcp();
    }
    io.downcast_ref::<TcpStream>()
}

//! A client's socket.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    os::fd::{AsRawFd, RawFd},
    sync::Arc,
    time::Duration,
};

use tokio_rustls::rustls::{ClientConnection, pki_types::ServerName};

use super::Target;

/// A connection to a server: bare, or with TLS.
pub(super) enum Socket {
    Plain(TcpStream),
    Tls(Box<Tls>),
}

pub(super) struct Tls {
    stream: TcpStream,
    session: ClientConnection,
    is_nonblocking: bool,
}

impl Socket {
    /// Connects, without a handshake. A TLS handshake begins with the first byte that is written.
    pub(super) fn connect(target: &Target) -> io::Result<Self> {
        let stream = TcpStream::connect(target.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        reset_on_close(&stream)?;
        let Some(config) = &target.tls else { return Ok(Self::Plain(stream)) };
        let name = ServerName::try_from("localhost").expect("it is a name");
        let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        Ok(Self::Tls(Box::new(Tls { stream, session, is_nonblocking: false })))
    }

    pub(super) fn set_nonblocking(&mut self) -> io::Result<()> {
        if let Self::Tls(tls) = self {
            tls.is_nonblocking = true;
        }
        self.stream().set_nonblocking(true)
    }

    pub(super) fn stream(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(tls) => &tls.stream,
        }
    }

    /// Whether bytes that were written wait for space in the kernel's buffer.
    pub(super) fn has_unsent(&self) -> bool {
        matches!(self, Self::Tls(tls) if tls.session.wants_write())
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.stream().as_raw_fd()
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.push(),
        }
    }
}

impl Tls {
    /// Reads once if the socket blocks, else until it would block or `buffer` is almost full.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        /// Bytes in the largest record, and some more.
        const RECORD: usize = 17 << 10;
        let mut filled = 0;
        loop {
            match self.session.reader().read(&mut buffer[filled..]) {
                Ok(0) => return Ok(filled),
                Ok(length) => filled += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if filled > 0 && !(self.is_nonblocking && buffer.len() - filled > RECORD) {
                return Ok(filled);
            }
            match self.session.read_tls(&mut self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock && filled > 0 => return Ok(filled),
                Ok(0) => return Ok(filled),
                read => read?,
            };
            self.session.process_new_packets().map_err(io::Error::other)?;
            self.push()?;
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.session.writer().write(bytes)?;
        self.push()?;
        if length == 0 && !bytes.is_empty() { Err(ErrorKind::WouldBlock.into()) } else { Ok(length) }
    }

    /// Gives records to the kernel until its buffer is full.
    fn push(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                written => written?,
            };
        }
        Ok(())
    }
}

/// Reads or writes without waiting. Returns 0 if it would have to wait, and an error if the other
/// end has closed the connection.
pub(super) fn now(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}

/// Makes closing reset the connection, so that no port is left in TIME_WAIT.
fn reset_on_close(socket: &TcpStream) -> io::Result<()> {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: the option's value is a `linger` of the size that is passed, and outlives the call.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of_val(&linger) as u32,
        )
    };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

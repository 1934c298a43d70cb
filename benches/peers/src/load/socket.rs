//! A client's socket.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    os::fd::AsRawFd,
    thread,
    time::Duration,
};

use raw_client::RSV1;

use super::Target;
use crate::wire::{Opcode, inflate, is_opened};

/// Connects, without an opening handshake.
pub(crate) fn connect(target: Target) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(target.address)?;
    socket.set_nodelay(true)?;
    reset_on_close(&socket)?;
    Ok(socket)
}

/// Opens `count` WebSockets; their sockets block.
pub(crate) fn open(target: Target, request: &[u8], count: usize) -> io::Result<Vec<TcpStream>> {
    (0..count)
        .map(|_| {
            let mut socket = connect(target)?;
            socket.set_read_timeout(Some(Duration::from_secs(20)))?;
            socket.write_all(request)?;
            let (mut head, mut chunk) = (Vec::new(), [0; 4096]);
            while !is_answered(target, request, &head)? {
                let length = socket.read(&mut chunk)?;
                if length == 0 {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                head.extend_from_slice(&chunk[..length]);
            }
            Ok(socket)
        })
        .collect()
}

/// Whether `head` is the whole answer to `request`.
pub(crate) fn is_answered(target: Target, request: &[u8], head: &[u8]) -> io::Result<bool> {
    if target.is_raw {
        Ok(head == request)
    } else {
        is_opened(head, target.compression).map_err(io::Error::other)
    }
}

/// Sends `frame`, and checks that `payload` comes back.
pub(crate) fn prove(
    mut socket: &TcpStream,
    target: Target,
    frame: &[u8],
    opcode: Opcode,
    payload: &[u8],
) -> io::Result<()> {
    thread::scope(|scope| {
        if frame.len() > 64 << 10 {
            // Its echo has to be read while it is written.
            scope.spawn(move || socket.write_all(frame));
        } else {
            socket.write_all(frame)?;
        }
        let is_same = if target.is_raw {
            let mut back = vec![0; frame.len()];
            socket.read_exact(&mut back)?;
            back == frame
        } else {
            is_message(read_message(socket)?, target, opcode, payload)
        };
        if is_same { Ok(()) } else { Err(io::Error::other("the echo differs")) }
    })
}

/// Checks that a binary message with `payload` comes next.
pub(crate) fn prove_arrival(socket: &TcpStream, target: Target, payload: &[u8]) -> io::Result<()> {
    match is_message(read_message(socket)?, target, Opcode::Binary, payload) {
        true => Ok(()),
        false => Err(io::Error::other("what arrives differs")),
    }
}

/// Whether a message is the one with `payload`, and compressed where that was agreed on.
fn is_message((first, message): (u8, Vec<u8>), target: Target, opcode: Opcode, payload: &[u8]) -> bool {
    match target.compression {
        Some(_) => {
            first == RSV1 | opcode as u8 && inflate(message, payload.len()).is_some_and(|it| it == payload)
        }
        None => first == opcode as u8 && message == payload,
    }
}

/// The opcode, with the reserved bits, and the payload of the next message.
fn read_message(mut socket: &TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let (mut first, mut payload) = (0, Vec::new());
    loop {
        let mut head = [0; 2];
        socket.read_exact(&mut head)?;
        let mut length = [0; 8];
        match head[1] {
            126 => socket.read_exact(&mut length[6..])?,
            127 => socket.read_exact(&mut length)?,
            short => length[7] = short,
        }
        let start = payload.len();
        payload.resize(start + u64::from_be_bytes(length) as usize, 0);
        socket.read_exact(&mut payload[start..])?;
        first |= head[0] & 0x7f;
        if head[0] & 0x80 != 0 {
            return Ok((first, payload));
        }
    }
}

/// Reads or writes without waiting; 0 when it would wait, and when the other end has closed an
/// error.
pub(crate) fn now(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}

/// Closing resets the connection, so that no port is left in TIME_WAIT.
fn reset_on_close(socket: &TcpStream) -> io::Result<()> {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: the option's value is a `linger`, as long as said, and outlives the call.
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

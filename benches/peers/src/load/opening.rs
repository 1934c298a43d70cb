//! Opening WebSockets over HTTP/1.1, and checking the first message on them.

use std::{
    io::{self, ErrorKind, Read, Write},
    thread,
};

use raw_client::RSV1;

use super::{Target, socket::Socket};
use crate::wire::{Opcode, inflate, is_opened};

/// Opens `count` WebSockets. Their sockets block.
pub(super) fn open(target: &Target, request: &[u8], count: usize) -> io::Result<Vec<Socket>> {
    (0..count)
        .map(|_| {
            let mut socket = Socket::connect(target)?;
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

/// Returns whether `head` is the whole answer to `request`.
pub(super) fn is_answered(target: &Target, request: &[u8], head: &[u8]) -> io::Result<bool> {
    if target.is_raw {
        Ok(head == request)
    } else {
        is_opened(head, target.setup.compression).map_err(io::Error::other)
    }
}

/// Sends `frame`, and checks that `payload` comes back.
pub(super) fn prove(
    socket: &mut Socket,
    target: &Target,
    frame: &[u8],
    opcode: Opcode,
    payload: &[u8],
) -> io::Result<()> {
    match socket {
        // The echo of a large message has to be read while the message is written.
        Socket::Plain(stream) if frame.len() > 64 << 10 => thread::scope(|scope| {
            let (mut read, mut write) = (&*stream, &*stream);
            scope.spawn(move || write.write_all(frame));
            prove_echo(&mut read, target, frame, opcode, payload)
        }),
        socket => {
            socket.write_all(frame)?;
            prove_echo(socket, target, frame, opcode, payload)
        }
    }
}

fn prove_echo(
    socket: &mut impl Read,
    target: &Target,
    frame: &[u8],
    opcode: Opcode,
    payload: &[u8],
) -> io::Result<()> {
    let is_same = if target.is_raw {
        let mut back = vec![0; frame.len()];
        socket.read_exact(&mut back)?;
        back == frame
    } else {
        is_message(read_message(socket)?, target, opcode, payload)
    };
    if is_same { Ok(()) } else { Err(io::Error::other("the echo differs")) }
}

/// Checks that a binary message with `payload` comes next.
pub(super) fn prove_arrival(socket: &mut Socket, target: &Target, payload: &[u8]) -> io::Result<()> {
    match is_message(read_message(socket)?, target, Opcode::Binary, payload) {
        true => Ok(()),
        false => Err(io::Error::other("the message differs")),
    }
}

/// Returns whether a message is the one with `payload`, and compressed if that was agreed on.
fn is_message((first, message): (u8, Vec<u8>), target: &Target, opcode: Opcode, payload: &[u8]) -> bool {
    match target.setup.compression {
        Some(_) => {
            first == RSV1 | opcode as u8 && inflate(message, payload.len()).is_some_and(|it| it == payload)
        }
        None => first == opcode as u8 && message == payload,
    }
}

/// Returns the opcode, with the reserved bits, and the payload of the next message.
fn read_message(socket: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
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

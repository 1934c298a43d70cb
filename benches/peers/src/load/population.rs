//! Many sockets that are idle, or lightly active.

use std::{
    io::{self, Read, Write},
    thread,
    time::{Duration, Instant},
};

use super::{
    Sample, Target,
    epoll::Epoll,
    kernel::kernel_memory,
    opening::{open, prove},
    socket::{Socket, now},
};
use crate::{
    process::{Process, machine_time},
    wire::{Opcode, Payload},
};

/// The factor by which the idle time is longer than other measurements: it is 40 s by default, two
/// intervals of keepalive.
const FACTOR: u32 = 160;

/// Time between two messages of a socket that is lightly active.
const INTERVAL: Duration = Duration::from_secs(10);

const MASK: [u8; 4] = [9, 8, 7, 6];
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// This number of WebSockets, which answer pings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Population {
    pub(crate) sockets: usize,
}

impl Population {
    /// The names of the values of a sample. Each is of one socket.
    pub(crate) const VALUES: [&str; 5] = [
        "CPU to open it, us",
        "resident memory of the process, KB",
        "memory of the kernel, KB",
        "CPU per second while idle, us",
        "CPU per second with a message each 10 s, us",
    ];

    pub(crate) fn measure(&self, target: &Target, length: Duration) -> io::Result<Sample> {
        let opcode = Payload::Ascii.opcode();
        let payload = Payload::Ascii.bytes(125, 0);
        let frame = target.frame(opcode, &payload, MASK);
        let request = target.request("/echo");
        let run = |count| {
            let mut sockets = open(target, &request, count)?;
            let opened = target.process.cpu_time()?;
            sockets.iter_mut().try_for_each(|socket| prove(socket, target, &frame, opcode, &payload))?;
            thread::sleep(Duration::from_millis(300));
            io::Result::Ok((sockets, opened))
        };
        // The memory that the process and the kernel need for the first connections does not belong
        // to one connection.
        drop(run(10)?);
        thread::sleep(Duration::from_millis(300));
        let server = target.process;
        let (cpu, resident, kernel) = (server.cpu_time()?, server.resident()?, kernel_memory()?);
        let (sockets, opened) = run(self.sockets)?;
        let each = |more: u64, less: u64| more.saturating_sub(less) as f64 / self.sockets as f64 / 1000.0;
        let mut values = vec![
            each(opened, cpu),
            each(server.resident()?, resident),
            // Both ends of the connections are on this machine.
            each(kernel_memory()?, kernel) / 2.0,
        ];

        let mut clients = Clients::new(sockets, frame)?;
        let mut disturbance: f64 = 0.0;
        for (time, is_active) in [(length * FACTOR, false), (length * FACTOR / 2, true)] {
            let before = (server.cpu_time()?, Process::this().cpu_time()?, machine_time()?);
            clients.live(time, is_active)?;
            let after = (server.cpu_time()?, Process::this().cpu_time()?, machine_time()?);
            values.push(each(after.0, before.0) / time.as_secs_f64());
            let others =
                (after.2 - before.2) as f64 - (after.0 - before.0) as f64 - (after.1 - before.1) as f64;
            disturbance = disturbance.max(others / time.as_nanos() as f64);
        }
        Ok(Sample { values, rate: 0.0, disturbance })
    }
}

struct Clients {
    sockets: Vec<Socket>,
    epoll: Epoll,
    frame: Vec<u8>,
}

impl Clients {
    fn new(mut sockets: Vec<Socket>, frame: Vec<u8>) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        for (index, socket) in sockets.iter_mut().enumerate() {
            socket.set_nonblocking()?;
            epoll.add(&*socket, index)?;
        }
        Ok(Self { sockets, epoll, frame })
    }

    /// Answers pings for this time. If `is_active`, each socket sends a message every
    /// [`INTERVAL`], the sockets in turn.
    fn live(&mut self, time: Duration, is_active: bool) -> io::Result<()> {
        const PAUSE: Duration = Duration::from_millis(1);
        let start = Instant::now();
        let pause = INTERVAL / self.sockets.len() as u32;
        let (mut sent, mut ready) = (0, Vec::new());
        let mut buffer = [0; 4096];
        while start.elapsed() < time {
            while is_active && pause * sent as u32 <= start.elapsed() {
                let count = self.sockets.len();
                self.sockets[sent % count].write_all(&self.frame)?;
                sent += 1;
            }
            ready.extend(self.epoll.poll()?);
            if ready.is_empty() {
                thread::sleep(PAUSE);
            }
            for index in ready.drain(..) {
                let socket = &mut self.sockets[index];
                let length = now(socket.read(&mut buffer))?;
                answer(&buffer[..length], socket)?;
            }
        }
        Ok(())
    }
}

/// Answers the pings among frames, which are short and arrive whole.
fn answer(mut frames: &[u8], socket: &mut Socket) -> io::Result<()> {
    while let [first, length, rest @ ..] = frames {
        let Some((payload, rest)) = rest.split_at_checked(usize::from(*length)) else {
            return Err(io::Error::other("a frame in parts"));
        };
        match *first & 0x0f {
            _ if *first == PING => socket.write_all(&raw_client::frame(PONG, payload))?,
            close if close == Opcode::Close as u8 => return Err(io::Error::other("closed")),
            _ => {}
        }
        frames = rest;
    }
    Ok(())
}

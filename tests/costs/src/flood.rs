//! How long a connection waits for an echo while another one of the same thread floods.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use raw_client::{
    FIN, RSV1,
    deflate::compressed,
    frame, opcode,
    opening::open_blocking,
    whole::{BINARY, PING, PONG, TEXT},
};

use crate::{
    attack::{OFFER, Server},
    server::Port,
};

/// Bytes in a block that is written over and over.
const BLOCK: usize = 256 << 10;

/// How long each flood lasts.
const FLOOD: Duration = Duration::from_secs(3);

/// How long the flood goes on before the echoes are timed.
const WARM_UP: Duration = Duration::from_millis(300);

/// One kind of flood.
struct Flood {
    name: &'static str,
    port: Port,
    path: &'static str,
    /// The bytes that are sent once.
    start: Vec<u8>,
    /// The bytes that are sent over and over.
    repeat: Vec<u8>,
}

/// Prints the table.
pub(crate) fn measure() -> io::Result<()> {
    println!("| the peer floods with | echoes | median | 99 % | longest | bytes | CPU a byte |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for flood in floods() {
        flood.measure()?;
    }
    Ok(())
}

fn floods() -> Vec<Flood> {
    let plain = |name, path, start, repeat| Flood { name, port: Port::Plain, path, start, repeat };
    let deflate = |name, repeat| Flood { name, port: Port::Deflate, path: "/", start: vec![], repeat };
    // The last byte is the header of a block, whose rest each message lacks.
    let blocks = |block: &[u8]| [block.repeat(1_000_000 / block.len()), vec![0]].concat();
    let ones =
        [frame(opcode::BINARY, b"x"), frame(opcode::CONTINUE, b"x").repeat(998), frame(FIN, b"x")].concat();
    let empties =
        [frame(opcode::BINARY, b""), frame(opcode::CONTINUE, b"").repeat(998), frame(FIN, b"")].concat();
    let deflated_ones = compressed(b"x", 9).iter().enumerate().fold(Vec::new(), |mut frames, (n, byte)| {
        frames.extend(frame(if n == 0 { RSV1 | opcode::BINARY } else { opcode::CONTINUE }, &[*byte]));
        frames
    });
    let deflated_ones = [deflated_ones, frame(FIN, b"")].concat();
    vec![
        plain("nothing", "/", vec![], vec![]),
        plain("messages of 1 MiB", "/", vec![], frame(BINARY, &vec![1; 1 << 20])),
        plain("empty messages", "/", vec![], frame(BINARY, b"")),
        plain("empty texts", "/", vec![], frame(TEXT, b"")),
        plain("empty messages, echoed", "/echo", vec![], frame(BINARY, b"")),
        plain("messages of one byte", "/", vec![], frame(BINARY, b"x")),
        plain("empty fragments without end", "/", frame(opcode::BINARY, b""), frame(opcode::CONTINUE, b"")),
        plain("messages of empty fragments", "/", vec![], empties),
        plain("fragments of one byte", "/", vec![], ones),
        plain("pings", "/", vec![], frame(PING, b"")),
        plain("pings of 125 bytes", "/", vec![], frame(PING, &[1; 125])),
        plain("pings to a handler that does not read", "/deaf", vec![], frame(PING, b"")),
        plain("pongs", "/", vec![], frame(PONG, b"")),
        plain(
            "pings between empty fragments",
            "/",
            frame(opcode::BINARY, b""),
            [frame(opcode::CONTINUE, b""), frame(PING, b"")].concat(),
        ),
        deflate("compressed empty stored blocks", frame(RSV1 | BINARY, &blocks(b"\x00\x00\x00\xff\xff"))),
        // Four of ten bits.
        deflate("compressed empty fixed blocks", frame(RSV1 | BINARY, &blocks(b"\x02\x08\x20\x80\x00"))),
        deflate("compressed last blocks, `03 00`", frame(RSV1 | BINARY, &blocks(b"\x03\x00"))),
        deflate("the same in frames of 4,096", frame(RSV1 | BINARY, &b"\x03\x00".repeat(2048))),
        deflate("the same in messages of two bytes", frame(RSV1 | BINARY, b"\x03\x00")),
        deflate("tiny compressed messages", frame(RSV1 | BINARY, &compressed(b"x", 9))),
        deflate("empty compressed messages", frame(RSV1 | BINARY, b"\x00")),
        deflate("compressed messages in fragments of one byte", deflated_ones),
        deflate("compressed zeros, 1 MiB a message", frame(RSV1 | BINARY, &compressed(&vec![0; 1 << 20], 9))),
    ]
}

impl Flood {
    fn measure(&self) -> io::Result<()> {
        let server = Server::start()?;
        let port = server.ports[self.port as usize];
        let mut echo = open(port, "/echo")?;
        let flood = open(port, self.path)?;
        let (sent, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        let (waits, bytes, time) = thread::scope(|scope| {
            let mut answers = flood.try_clone()?;
            let is_over = &is_over;
            scope.spawn(move || {
                let mut bytes = vec![0; 64 << 10];
                while answers.read(&mut bytes).is_ok_and(|n| n > 0) {}
                is_over.store(true, Ordering::Relaxed);
            });
            scope.spawn(|| self.send(&flood, &sent));
            thread::sleep(WARM_UP);
            let (before, cpu) = (sent.load(Ordering::Relaxed), server.process.cpu_time()?);
            let waits = echoes(&mut echo);
            let bytes = sent.load(Ordering::Relaxed) - before;
            let time = server.process.cpu_time()? - cpu;
            let was_over = is_over.load(Ordering::Relaxed);
            // This ends both threads.
            let _ = flood.shutdown(Shutdown::Both);
            assert!(!was_over, "{}: the server ended the flood", self.name);
            Ok::<_, io::Error>((waits?, bytes, time))
        })?;
        let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
        let cost = if bytes == 0 { "-".to_owned() } else { format!("{:.1} ns", time as f64 / bytes as f64) };
        println!(
            "| {} | {} | {:.2} ms | {:.2} ms | {:.2} ms | {bytes} | {cost} |",
            self.name,
            waits.len(),
            at(0.5),
            at(0.99),
            at(1.0),
        );
        Ok(())
    }

    /// Writes until the connection ends.
    fn send(&self, mut io: &TcpStream, sent: &AtomicU64) {
        if self.repeat.is_empty() {
            return;
        }
        let block = self.repeat.repeat(BLOCK.div_ceil(self.repeat.len()));
        if io.write_all(&self.start).is_err() {
            return;
        }
        loop {
            for part in block.chunks(16 << 10) {
                if io.write_all(part).is_err() {
                    return;
                }
                sent.fetch_add(part.len() as u64, Ordering::Relaxed);
            }
        }
    }
}

/// Returns the times that echoes of 4 bytes took, sorted.
fn echoes(io: &mut TcpStream) -> io::Result<Vec<Duration>> {
    let message = frame(BINARY, b"echo");
    let start = Instant::now();
    let mut waits = Vec::new();
    while start.elapsed() < FLOOD {
        let sent = Instant::now();
        io.write_all(&message)?;
        let mut answer = [0; 6];
        io.read_exact(&mut answer)?;
        waits.push(sent.elapsed());
        assert_eq!(&answer, b"\x82\x04echo");
        thread::sleep(Duration::from_millis(1));
    }
    waits.sort();
    Ok(waits)
}

fn open(port: u16, path: &str) -> io::Result<TcpStream> {
    let mut io = TcpStream::connect(("127.0.0.1", port))?;
    io.set_nodelay(true)?;
    open_blocking(&mut io, path, OFFER)?;
    // Waiting longer is an error. A flood may have no answers.
    io.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(io)
}

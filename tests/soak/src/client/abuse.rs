//! Clients that misbehave.

use std::{io, time::Duration};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

use super::{
    connect::{Way, http1, tcp},
    frame::{BINARY, CLOSE, CONTINUATION, FIN, PING, RSV1, TEXT},
    opening::{self, Form},
    side::{Rule, Side},
    socket::{PATIENCE, Socket},
    trouble::Trouble,
    world::World,
};
use crate::{filling, message::Ask, rng::Rng};

/// A client's behavior.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Answers no ping.
    Silent,
    /// Requests much data and does not read it.
    NeverReads,
    /// Reads in small pieces.
    SlowReader,
    /// Writes byte by byte, including the request.
    SlowWriter,
    PingFlood,
    MessageFlood,
    ReservedBit,
    ReservedOpcode,
    Unmasked,
    BadText,
    LongPing,
    NothingToContinue,
    BadCloseCode,
    TooLarge,
    BadDeflate,
    /// Connects, and sends nothing.
    NoRequest,
    HalfRequest,
    /// Resets the connection within the request.
    ResetRequest,
    /// Resets the connection while the handshake service is pending.
    ResetHandshake,
    /// Is rejected a few times, and then opens a socket.
    Refused,
    /// Sends neither HTTP nor TLS.
    Garbage,
    /// Requests a few pages.
    Pages,
}

/// How soon the server drops a client without a request. Its default timeout is 10 s.
const NO_REQUEST: Duration = Duration::from_secs(60);

pub(super) async fn abuse(
    world: &World,
    id: u64,
    way: Way,
    kind: Kind,
    rng: &mut Rng,
) -> Result<Side, Trouble> {
    // h2 handles the frames below, and the drained port is tested separately.
    let way = match way {
        Way::Drained => Way::Plain,
        Way::Http2 if is_of_http1(kind) => Way::Plain,
        Way::Http2Tls if is_of_http1(kind) => Way::Tls,
        way => way,
    };
    let closes = |plan, first, payload, code| Misdeed { plan, first, payload, code };
    let misdeed = match kind {
        Kind::Silent => return silent(world, id, way, false).await,
        Kind::NeverReads => return silent(world, id, way, true).await,
        Kind::SlowReader => return slow_reader(world, id, way, rng).await,
        Kind::SlowWriter => return slow_writer(world, id, way, rng).await,
        Kind::PingFlood | Kind::MessageFlood => return flood(world, id, way, kind, rng).await,
        Kind::NoRequest | Kind::HalfRequest | Kind::ResetRequest => {
            return half_request(world, id, way, kind, rng).await;
        }
        Kind::ResetHandshake => return reset_handshake(world, id, way, rng).await,
        Kind::Refused => return refused(world, id, way).await,
        Kind::Garbage => return garbage(world, id, rng).await,
        Kind::Pages => return pages(world, id, way, rng).await,
        Kind::ReservedBit => closes("reserved bit", FIN | 0x20 | TEXT, &b"x"[..], 1002),
        Kind::ReservedOpcode => closes("reserved opcode", FIN | 3, b"x", 1002),
        Kind::Unmasked => closes("unmasked frame", FIN | TEXT, b"", 1002),
        Kind::BadText => closes("text that is none", FIN | TEXT, b"caf\xe9", 1007),
        Kind::LongPing => closes("long ping", FIN | PING, &[0; 126], 1002),
        Kind::NothingToContinue => closes("nothing to continue", FIN | CONTINUATION, b"x", 1002),
        Kind::BadCloseCode => closes("bad close code", FIN | CLOSE, &[3, 237], 1002),
        Kind::TooLarge => closes("too large a message", FIN | BINARY, b"", 1009),
        Kind::BadDeflate => closes("bad deflate data", FIN | RSV1 | TEXT, &[7, 255, 255], 1007),
    };
    misdeed.commit(world, id, way, kind, rng).await
}

fn is_of_http1(kind: Kind) -> bool {
    use Kind::{
        Garbage, HalfRequest, NeverReads, NoRequest, Pages, Refused, ResetHandshake, ResetRequest, Silent,
        SlowReader, SlowWriter,
    };
    matches!(
        kind,
        Silent
            | NeverReads
            | SlowReader
            | SlowWriter
            | NoRequest
            | HalfRequest
            | ResetRequest
            | ResetHandshake
            | Refused
            | Garbage
            | Pages
    )
}

/// A frame that violates the protocol, and the close code for it.
struct Misdeed {
    plan: &'static str,
    first: u8,
    payload: &'static [u8],
    code: u16,
}

impl Misdeed {
    /// Behaves for a while, and then violates the protocol. Everything sent before must arrive.
    async fn commit(
        self,
        world: &World,
        id: u64,
        way: Way,
        kind: Kind,
        rng: &mut Rng,
    ) -> Result<Side, Trouble> {
        let form = if kind == Kind::BadDeflate { Form::Deflate } else { Form::Plain };
        let mut socket = Socket::open(world, way, form, id, false).await?;
        let count = rng.below(4) as u8;
        socket.send(Ask::Send { count, size: 3000, is_text: true, is_raw: false }, true, b"before", 1);
        socket.until("answer", |socket| socket.down == u64::from(count)).await?;
        match kind {
            Kind::TooLarge => {
                socket.output.extend_from_slice(&[self.first, 0xff]);
                socket.output.extend_from_slice(&(2u64 << 20).to_be_bytes());
                socket.output.extend_from_slice(&[0; 4000]);
            }
            Kind::Unmasked => socket.output.extend_from_slice(b"\x81\x05hello"),
            // It is nevertheless a Close, so the server need not wait for another one.
            Kind::BadCloseCode => socket.close(u16::from_be_bytes([self.payload[0], self.payload[1]])),
            _ => socket.frame(self.first, self.payload),
        }
        let told = socket.end().await?;
        if told != self.code {
            return Err(Trouble::Wrong(format!("Close {told}, where {} was due", self.code)));
        }
        // The client's own Close came after the event that ended the connection.
        Ok(Side { id, plan: self.plan, up: socket.up, down: socket.down, rule: Rule::All })
    }
}

/// Stays silent until the server ends the connection.
async fn silent(world: &World, id: u64, way: Way, asks: bool) -> Result<Side, Trouble> {
    let mut socket = Socket::open(world, way, Form::Plain, id, false).await?;
    if asks {
        let ask = Ask::Send { count: 200, size: 50_000, is_text: false, is_raw: false };
        socket.send(ask, false, b"much", 1);
    }
    let all = socket.output.split();
    socket.write.write_all(&all).await?;
    socket.write.flush().await?;
    // A ping is not answered, and unread data counts as activity only once.
    sleep(4 * world.keepalive).await;
    let end = async {
        // The connection may be reset. The data here is what the server sent before.
        while let Ok(true) = socket.pump().await {}
    };
    timeout(PATIENCE, end).await.map_err(|_| Trouble::Late("end by the server"))?;
    let plan = if asks { "never reads" } else { "silent" };
    Ok(Side { id, plan, up: socket.up, down: socket.down, rule: Rule::Prefix })
}

async fn slow_reader(world: &World, id: u64, way: Way, rng: &mut Rng) -> Result<Side, Trouble> {
    let mut socket = Socket::open(world, way, Form::Plain, id, false).await?;
    let count = 1 + rng.below(3);
    let ask = Ask::Send { count: count as u8, size: 30_000, is_text: true, is_raw: false };
    socket.send(ask, true, b"slowly", 1);
    // Nothing of the answer may be read before.
    let all = socket.output.split();
    socket.write.write_all(&all).await?;
    socket.write.flush().await?;
    for _ in 0..200 {
        let mut piece = vec![0; 1 + rng.below(150)];
        let n = timeout(PATIENCE, socket.read.read(&mut piece)).await;
        let n = n.map_err(|_| Trouble::Late("piece of a message"))??;
        socket.input.extend_from_slice(&piece[..n]);
        sleep(Duration::from_millis(rng.below(40) as u64)).await;
        if *world.stop.borrow() {
            break;
        }
    }
    socket.until("rest of the messages", |socket| socket.down == count as u64).await?;
    socket.close(1000);
    let code = socket.end().await?;
    Ok(Side { id, plan: "slow reader", up: socket.up, down: socket.down, rule: Rule::Exact(code) })
}

async fn slow_writer(world: &World, id: u64, way: Way, rng: &mut Rng) -> Result<Side, Trouble> {
    let mut io = http1(world, way, id, false).await?;
    let pause = Duration::from_millis(1 + rng.below(10) as u64);
    for byte in opening::open(id, Form::Plain).bytes() {
        io.write_all(&[byte]).await?;
        io.flush().await?;
        sleep(pause).await;
    }
    let mut input = BytesMut::new();
    let status = opening::status(&mut io, &mut input).await?;
    if status != 101 {
        return Err(Trouble::Wrong(format!("a {status} for an opening handshake")));
    }
    let mut socket = Socket::new(world, io, input, Form::Plain, id);
    for _ in 0..3 {
        let ask = Ask::Send { count: 1, size: 50, is_text: false, is_raw: false };
        socket.send(ask, true, filling::text(rng, 300).as_bytes(), 3);
        for byte in socket.output.split() {
            socket.write.write_all(&[byte]).await?;
            socket.write.flush().await?;
            sleep(pause).await;
        }
    }
    socket.until("answer", |socket| socket.down == 3).await?;
    socket.close(1000);
    let code = socket.end().await?;
    Ok(Side { id, plan: "slow writer", up: socket.up, down: socket.down, rule: Rule::Exact(code) })
}

async fn flood(world: &World, id: u64, way: Way, kind: Kind, rng: &mut Rng) -> Result<Side, Trouble> {
    let mut socket = Socket::open(world, way, Form::Plain, id, false).await?;
    let plan = if kind == Kind::PingFlood {
        for n in 0..3000u32 {
            socket.frame(FIN | PING, &n.to_be_bytes());
        }
        // Pongs may be skipped, except the last one (RFC 6455 §5.5.3).
        socket.until("pong", |socket| socket.pong[..] == 2999u32.to_be_bytes()).await?;
        "flood of pings"
    } else {
        let count = 1000 + rng.below(2000) as u64;
        for _ in 0..count {
            let ask = Ask::Send { count: 1, size: 10, is_text: false, is_raw: false };
            socket.send(ask, false, b"", 1);
        }
        socket.until("answer", |socket| socket.down == count).await?;
        "flood of messages"
    };
    socket.close(1000);
    let code = socket.end().await?;
    Ok(Side { id, plan, up: socket.up, down: socket.down, rule: Rule::Exact(code) })
}

/// Sends nothing or part of a request, and then waits, ends or resets the connection.
async fn half_request(world: &World, id: u64, way: Way, kind: Kind, rng: &mut Rng) -> Result<Side, Trouble> {
    let mut io = http1(world, way, id, kind == Kind::ResetRequest).await?;
    let request = opening::open(id, Form::Plain);
    let len = if kind == Kind::NoRequest { 0 } else { 1 + rng.below(request.len() - 1) };
    io.write_all(&request.as_bytes()[..len]).await?;
    io.flush().await?;
    let plan = match kind {
        Kind::ResetRequest => {
            sleep(Duration::from_millis(rng.below(20) as u64)).await;
            "reset in the request"
        }
        _ => {
            if rng.chance(30) {
                io.shutdown().await?;
            }
            let end = drain(&mut io, NO_REQUEST).await;
            end.ok_or(Trouble::Late("end of who makes no request"))?;
            "half a request"
        }
    };
    Ok(Side { id, plan, up: 0, down: 0, rule: Rule::Perhaps })
}

/// Reads until the end, or an error.
async fn drain(io: &mut (impl AsyncRead + Unpin), patience: Duration) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    let _ = timeout(patience, io.read_to_end(&mut all)).await.ok()?;
    Some(all)
}

async fn reset_handshake(world: &World, id: u64, way: Way, rng: &mut Rng) -> Result<Side, Trouble> {
    let mut io = http1(world, way, id, true).await?;
    let query = rng.pick(&["?slow", "?panic", ""]);
    io.write_all(opening::request(&format!("/plain/{id}{query}"), "").as_bytes()).await?;
    io.flush().await?;
    sleep(Duration::from_millis(rng.below(250) as u64)).await;
    Ok(Side { id, plan: "reset in the handshake", up: 0, down: 0, rule: Rule::Perhaps })
}

async fn refused(world: &World, id: u64, way: Way) -> Result<Side, Trouble> {
    let mut io = http1(world, way, id, false).await?;
    let mut input = BytesMut::new();
    for (query, more, expected) in [
        ("?refuse", "", 403),
        ("?panic", "", 500),
        ("", "Origin: https://other.example\r\n", 403),
        ("", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", 400),
    ] {
        // A GET without a body, so the next response follows on the connection.
        io.write_all(opening::request(&format!("/plain/{id}{query}"), more).as_bytes()).await?;
        io.flush().await?;
        let (status, body) = response(&mut io, &mut input).await?;
        if status != expected {
            return Err(Trouble::Wrong(format!("a {status} with {body} bytes, where {expected} was due")));
        }
    }
    io.write_all(opening::open(id, Form::Plain).as_bytes()).await?;
    io.flush().await?;
    let status = opening::status(&mut io, &mut input).await?;
    if status != 101 {
        return Err(Trouble::Wrong(format!("a {status} after refusals")));
    }
    let mut socket = Socket::new(world, io, input, Form::Plain, id);
    socket.send(Ask::Send { count: 1, size: 10, is_text: true, is_raw: false }, true, b"at last", 1);
    socket.until("answer", |socket| socket.down == 1).await?;
    socket.close(1000);
    let code = socket.end().await?;
    Ok(Side { id, plan: "refused first", up: socket.up, down: socket.down, rule: Rule::Exact(code) })
}

/// Reads a response with a `Content-Length`. Returns its status and the length of its body.
async fn response(io: &mut (impl AsyncRead + Unpin), input: &mut BytesMut) -> io::Result<(u16, usize)> {
    let end = loop {
        match input.windows(4).position(|end| end == b"\r\n\r\n") {
            Some(end) => break end + 4,
            None if io.read_buf(input).await? == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            None => {}
        }
    };
    let head = String::from_utf8_lossy(&input[..end]).to_ascii_lowercase();
    let field = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = field.and_then(|length| length.parse().ok()).unwrap_or(0);
    let status = opening::status(io, input).await?;
    while input.len() < length {
        if io.read_buf(input).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let _ = input.split_to(length);
    Ok((status, length))
}

async fn garbage(world: &World, id: u64, rng: &mut Rng) -> Result<Side, Trouble> {
    let addr = rng.pick(&[world.ports.plain, world.ports.secure]);
    let cuts = rng.chance(50);
    let mut io = tcp(addr, id, cuts).await?;
    let garbage = rng.pick(&[
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\r\n\r\n\r\n",
        b"\0\0\0\0\0\0\0\0",
        b"GET / HTTP/9.9\r\n\r\n",
    ]);
    io.write_all(garbage).await?;
    if !cuts {
        drain(&mut io, NO_REQUEST).await.ok_or(Trouble::Late("end of who speaks no HTTP"))?;
    }
    Ok(Side { id, plan: "garbage", up: 0, down: 0, rule: Rule::Perhaps })
}

async fn pages(world: &World, id: u64, way: Way, rng: &mut Rng) -> Result<Side, Trouble> {
    let mut io = http1(world, way, id, false).await?;
    let mut input = BytesMut::new();
    for _ in 0..1 + rng.below(4) {
        let (path, expected) = rng.pick(&[("/page", 4), ("/large", 1 << 20)]);
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        io.write_all(request.as_bytes()).await?;
        io.flush().await?;
        let (status, len) = response(&mut io, &mut input).await?;
        if (status, len) != (200, expected) {
            return Err(Trouble::Wrong(format!("a {status} with {len} bytes for {path}")));
        }
        sleep(rng.wait(Duration::from_secs(1))).await;
    }
    Ok(Side { id, plan: "pages", up: 0, down: 0, rule: Rule::Perhaps })
}

//! The attacks, in the order of the stages of a connection.

use raw_client::{
    FIN, RSV1,
    deflate::compressed,
    frame, header,
    http2_frames::{CONTINUATION, END_STREAM, HEADERS, RST_STREAM, fields, frame as h2, get, hello},
    opcode,
    opening::request,
    whole::{BINARY, PING},
};

use crate::{
    attack::{Attack, Cost},
    server::Port,
};

const MIB: usize = 1 << 20;

pub(crate) fn attacks() -> Vec<Attack> {
    let attack = |name, limit, port, opens, bytes, cost| Attack { name, limit, port, opens, bytes, cost };
    let plain = |name, limit, bytes: Vec<u8>, cost| attack(name, limit, Port::Plain, None, bytes, cost);
    let open = |name, limit, bytes: Vec<u8>, cost| attack(name, limit, Port::Plain, Some("/"), bytes, cost);
    let hello_of_tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    let large_head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}", "x".repeat(31_000)).into_bytes();
    let refused = request("/", "Origin: https://example.com\r\n").into_bytes();
    let message = "{\"id\": 12345, \"name\": \"a name\"},".repeat(15);
    let half = compressed(&noise(MIB / 2), 9);
    vec![
        plain("connects and sends nothing", "`first_request_timeout`, 10 s", vec![], Cost::Held(1000)),
        attack(
            "the same, to TLS",
            "`tls_handshake_timeout`, 10 s",
            Port::Tls,
            None,
            vec![],
            Cost::Held(1000),
        ),
        attack("half a TLS hello", "the same", Port::Tls, None, hello_of_tls, Cost::Held(1000)),
        plain("half a request head", "`first_request_timeout`", large_head[..40].into(), Cost::Held(1000)),
        plain("31 KB of a head without an end", "`max_header_size`, 32 KiB", large_head, Cost::Held(1000)),
        plain("HTTP/2 without a request", "`first_request_timeout`", hello(), Cost::Held(1000)),
        plain("connects and leaves", "`Serve::max_connections`", vec![], Cost::Connections(500)),
        plain("a handshake rejected for its origin", "nothing but the rate", refused, Cost::Times(5000)),
        open("opens and leaves", "`Config::max_connections`", vec![], Cost::Connections(1000)),
        plain("HTTP/2 rapid reset, to its end", "20 early resets", resets(), Cost::Connections(50)),
        plain(
            "HTTP/2 CONTINUATION flood, to its end",
            "`max_header_size`",
            continuations(),
            Cost::Connections(50),
        ),
        open("opens and is silent", "keepalive, if it does not answer", vec![], Cost::Held(1000)),
        open("announces 1 MiB and sends nothing", "keepalive", header(BINARY, MIB as u64), Cost::Held(1000)),
        open("1 MiB without its last byte", "`max_frame_size`, 1 MiB", all_but_one(BINARY), Cost::Held(50)),
        open("1 MiB of fragments without an end", "`max_message_size`, 1 MiB", fragments(), Cost::Held(50)),
        attack(
            "reads nothing",
            "`max_write_buffer_size`, 1 MiB",
            Port::Plain,
            Some("/source"),
            vec![],
            Cost::Held(50),
        ),
        attack(
            "one compressed message each way, then silence",
            "`client_no_context_takeover`, off",
            Port::Deflate,
            Some("/echo"),
            deflated(message.as_bytes()),
            Cost::Held(1000),
        ),
        attack(
            "the same, with `client_no_context_takeover`",
            "as without compression",
            Port::Alone,
            Some("/echo"),
            deflated(message.as_bytes()),
            Cost::Held(1000),
        ),
        attack(
            "the same, with `context_takeover`",
            "`context_takeover`, off",
            Port::Takeover,
            Some("/echo"),
            deflated(message.as_bytes()),
            Cost::Held(200),
        ),
        attack(
            "half a compressed message of 512 KiB",
            "`max_message_size`",
            Port::Deflate,
            Some("/"),
            frame(RSV1 | opcode::BINARY, &half),
            Cost::Held(50),
        ),
        open(
            "messages of one byte",
            "the handler's pace",
            frame(BINARY, b"x").repeat(100),
            Cost::Times(2000),
        ),
        open(
            "empty fragments",
            "nothing but the rate",
            [frame(opcode::BINARY, b""), frame(opcode::CONTINUE, b"").repeat(98), frame(FIN, b"")].concat(),
            Cost::Times(2000),
        ),
        open("pings", "the answers may be merged", frame(PING, b"").repeat(100), Cost::Times(2000)),
        // A frame has eight of these bytes.
        open("one byte at a time", "nothing but the rate", vec![BINARY], Cost::Apart(5000)),
        open("a message of 1 MiB", "`max_message_size`", frame(BINARY, &vec![1; MIB]), Cost::Times(50)),
        attack(
            "a bomb that inflates to 1 MiB",
            "`max_message_size`",
            Port::Deflate,
            Some("/"),
            deflated(&vec![0; MIB]),
            Cost::Times(200),
        ),
    ]
}

fn all_but_one(first: u8) -> Vec<u8> {
    [header(first, MIB as u64), vec![1; MIB - 1]].concat()
}

fn fragments() -> Vec<u8> {
    let rest = frame(opcode::CONTINUE, &[1; 1024]).repeat(1022);
    [frame(opcode::BINARY, &[1; 1024]), rest].concat()
}

fn deflated(message: &[u8]) -> Vec<u8> {
    frame(RSV1 | BINARY, &compressed(message, 9))
}

fn noise(len: usize) -> Vec<u8> {
    let mut seed = 1_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// Returns streams that are reset as soon as they are opened (CVE-2023-44487).
fn resets() -> Vec<u8> {
    let streams = (1..2000).step_by(2);
    let burst =
        streams.flat_map(|stream| [get(stream, "/"), h2(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat());
    hello().into_iter().chain(burst).collect()
}

/// Returns a head without an end (CVE-2024-27316).
fn continuations() -> Vec<u8> {
    let head = fields(&[(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")]);
    let more = h2(CONTINUATION, 0, 1, &fields(&[("x", "x".repeat(100).as_str()); 10]));
    [hello(), h2(HEADERS, END_STREAM, 1, &head), more.repeat(1000)].concat()
}

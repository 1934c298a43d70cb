//! Faults, each tried many times on one server, mostly on real sockets: peers that reset the
//! connection at every stage, whose packets are dropped, or that are slow; panics; missing
//! descriptors; a clock that jumps; a runtime that is shut down.
//!
//! After each try, these counters are back at their values: the sockets of the `Shutdown`, the
//! connections under both limits (which allow little more than one try needs), the tasks of the
//! runtime, and the descriptors of the process. Each handler has seen one end. After all tries of a
//! fault, the process has grown by at most 256 KiB since its first 20 tries, only intended panics
//! have happened, and the server still serves clients. The server's deadlines are a day long, so no
//! test waits for one, except where the deadline is tested.
//!
//! Each fault is tried a few times by default. With `LONG=1` it is tried as often as in the list
//! below, and the growth of memory is checked. Each fault prints a row with its number of tries and
//! their outcomes: `LONG=1 cargo test --all-features --test faults 2>&1 | grep '^|'`.
//!
//! Reset by the peer, 200 tries each unless stated otherwise, and 40 over TLS:
//!
//! - before the request, or inside it: the handshake service is not called
//! - inside the TLS handshake (200 over TLS): the handshake service is not called
//! - while the handshake service is pending: its future is dropped at once
//! - with the 101 unread, right after it, or after a pause (40): one error, and the end
//! - inside a frame header, inside a payload, between two fragments: one error, and the end
//! - with the echo unread: one error, and the end
//! - with our Close unread, or instead of the answer to it: `close()` returns
//! - while the handler's Close is finished in the background: the end
//! - right after the peer's Close: the end, or one error before it
//! - while much data is unsent: sending fails
//! - inside a large page (no TLS): the page is dropped
//! - of an HTTP/2 connection with three sockets (40): one error, and the end, for each of them
//!
//! All packets dropped, 50 connections each:
//!
//! - on an idle socket, inside a message, with an echo on its way: one error, `TimedOut`, from the
//!   keepalive
//! - while sending waits: sending fails, because of the keepalive
//! - with our Close unanswered, after the handler returned: the end, after `close_timeout`
//! - inside a request: dropped after `first_request_timeout`
//! - inside a large page: dropped after `write_timeout`
//! - on HTTP/2 without a stream: dropped after `http2_idle_timeout`
//!
//! No free descriptors, with 40 of them (20 tries): all of 60 clients are served.
//!
//! Panics, 50 tries each, also over TLS and over HTTP/2:
//!
//! - the handler panics when it is called, at once, after a message, or while another task sends:
//!   Close 1011; other sockets continue, also those of the same HTTP/2 connection
//! - the handshake service panics when it is called, or in its future: 500; the same connection
//!   then opens a socket
//! - another service panics: the connection ends without a response; over HTTP/2, the stream is
//!   reset and a socket on the connection continues
//!
//! Slow peers, 50 tries each:
//!
//! - writing byte by byte, including the request, also over TLS: everything is echoed
//! - reading byte by byte: everything arrives; another socket is not delayed
//!
//! The clock jumps by 1 hour to 20 years, 100 tries each:
//!
//! - on a socket whose peer answers, idle or inside a message: one ping, and the socket continues
//! - on a socket whose peer is gone, idle or inside a message: one ping, one error 20 s later,
//!   Close 1011
//! - while sending waits: sending fails 20 s later
//! - within the closing handshake, while the handshake service is pending, before a request, inside
//!   it, between two, on an idle HTTP/2 connection: the connection ends at once
//! - with unlimited timeouts: the socket continues
//!
//! The runtime is dropped, shut down with a timeout, or shut down in the background, with one
//! thread or two (160 tries): 11 connections in as many states end, and 3 sockets or their halves
//! that were kept elsewhere return errors.
//!
//! Tested elsewhere:
//!
//! - a reset after ordinary messages: `--test sockets`, `broken`
//! - accepting without descriptors: `--test handshake`, `server_behaviour`
//! - slow requests: `--test server`, `deadlines` and `load`
//! - a peer that never reads: `--test flat_memory`
//! - silent peers: `--test connection`, `keepalive`
//! - any of these among thousands of other connections: `tests/soak`

#[allow(dead_code, reason = "another test needs all of it")]
#[path = "../server/client.rs"]
mod client;
mod clock;
mod descriptors;
#[path = "../world/form.rs"]
mod form;
mod half_open;
#[path = "../server/memory.rs"]
mod memory;
mod panics;
mod reset;
mod runtime;
#[allow(dead_code, reason = "another test needs all of it")]
#[path = "../sockets/server.rs"]
mod server;
mod site;
mod slow;
mod trial;

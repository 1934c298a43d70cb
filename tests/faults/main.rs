//! Faults, each tried again and again on one server, mostly on real sockets: peers that reset the
//! connection at every stage, whose packets are dropped, or that are slow; panics; no descriptors;
//! a clock that jumps; a runtime that goes.
//!
//! After each try the counters are back: the sockets of the `Shutdown`, the places under both
//! limits, of which there are hardly more than one try needs, the tasks of the runtime, the
//! descriptors of the process. A handler has seen one end. After all tries the process has not
//! grown by more than 256 KiB since the 20 that come first, nothing has panicked but on purpose,
//! and the server serves whoever behaves. Nothing here waits for a deadline: those of the server
//! are a day away, but where the deadline is the matter.
//!
//! Each fault prints its row as it passes, `cargo test --all-features --test faults 2>&1 | grep
//! '^|'`, with what came of how many tries; where TLS is named, so many more were made over it.
//!
//! | fault | tries | what came of it |
//! | --- | --- | --- |
//! | reset before the request, inside the request | 200 each, 40 over TLS | nobody was asked |
//! | reset inside the TLS handshake | 200 | nobody was asked |
//! | reset while the handshake service is asked | 200, 40 over TLS | its future was dropped at once |
//! | reset with the 101 unread, right after it, after a rest | 200 (40 after a rest), 40 over TLS | one error, and the end |
//! | reset inside a frame header, inside a payload, between two fragments | 200 each, 40 over TLS | one error, and the end |
//! | reset with the echo unread | 200, 40 over TLS | one error, and the end |
//! | reset with our Close unread, in place of the answer to it | 200 each, 40 over TLS | `close()` returned |
//! | reset while the handler's Close is finished in the background | 200, 40 over TLS | the end |
//! | reset right after their Close | 200, 40 over TLS | the end, or one error before it |
//! | reset while much is unsent | 200, 40 over TLS | sending failed |
//! | reset inside a large page | 200 | the page was dropped |
//! | reset of an HTTP/2 connection with three sockets | 40, 40 over TLS | one error, and the end, for each of them |
//! | packets dropped: an idle socket, inside a message, an echo on its way | 50 each | one error, `TimedOut`, by the keepalive |
//! | packets dropped: sending waits | 50 | sending failed, by the keepalive |
//! | packets dropped: our Close unanswered, the handler returned | 50 each | the end, by `close_timeout` |
//! | packets dropped: half a request, a large page, HTTP/2 without a stream | 50 each | dropped by `first_request_timeout`, `write_timeout`, `http2_idle_timeout` |
//! | out of descriptors, with 40 of them | 20 | all of 60 clients were served |
//! | handler panics when it is called, at once, after a message, while another task sends | 50 each, 50 over TLS | Close 1011; another socket goes on |
//! | handler panics over HTTP/2 | 50 | Close 1011; another socket of the connection goes on |
//! | handshake service panics when it is called, in its future | 50 each, 50 over TLS, 50 over HTTP/2 | 500; a socket on the same connection |
//! | another service panics | 50, 50 over TLS | no answer, the end of the connection |
//! | another service panics over HTTP/2 | 50 | a reset stream; a socket of the connection goes on |
//! | writes byte by byte, the request too | 50, 50 over TLS | all of it was echoed |
//! | reads byte by byte | 50 | all of it was read; another socket is not kept waiting |
//! | clock jumps by 1 hour to 20 years on a socket whose peer answers, idle or inside a message | 100 each | one ping, and it goes on |
//! | clock jumps on a socket whose peer is gone, idle or inside a message | 100 each | one ping, one error 20 s later, Close 1011 |
//! | clock jumps while sending waits | 100 | sending failed 20 s later |
//! | clock jumps within the closing handshake, while the handshake service is asked, before a request, inside it, between two, on an idle HTTP/2 connection | 100 each | over at once |
//! | clock jumps with timeouts that never come | 100 | it goes on |
//! | runtime dropped, shut down with a timeout, or in the background, with one thread or two | 160 | 11 connections in as many states ended, and 3 sockets, or their halves, kept elsewhere gave errors |
//!
//! Elsewhere: a reset in the order of the messages before it (`--test sockets`, `broken`),
//! accepting without descriptors (`--test handshake`, `server_behaviour`), clients that dawdle
//! (`--test server`, `deadlines` and `load`), a peer that never reads (`--test flat_memory`),
//! silent peers (`--test connection`, `keepalive`), and any of these in the midst of thousands
//! of others (`tests/soak`).

#[allow(dead_code, reason = "they are another test's, which needs all of it")]
#[path = "../server/client.rs"]
mod client;
mod clock;
mod descriptors;
mod half_open;
#[path = "../server/memory.rs"]
mod memory;
mod panics;
mod reset;
mod runtime;
#[allow(dead_code, reason = "they are another test's, which needs all of it")]
#[path = "../sockets/server.rs"]
mod server;
mod site;
mod slow;
mod trial;

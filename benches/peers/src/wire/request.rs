//! The opening handshake (RFC 6455, section 4).

use std::net::SocketAddr;

use raw_client::opening::{ACCEPT, request_to};

use crate::compression::{Compression, Takeover};

pub(crate) fn request(path: &str, host: SocketAddr, compression: Option<Compression>) -> Vec<u8> {
    let offer = compression
        .map(|compression| format!("Sec-WebSocket-Extensions: {}\r\n", compression.extension()))
        .unwrap_or_default();
    request_to(&host.to_string(), path, &format!("User-Agent: peers\r\n{offer}")).into_bytes()
}

/// Returns whether `head` is the whole answer that opens the WebSocket, or an error if it cannot
/// become one.
pub(crate) fn is_opened(head: &[u8], compression: Option<Compression>) -> Result<bool, &'static str> {
    if !head.ends_with(b"\r\n\r\n") {
        return Ok(false);
    }
    if !head.starts_with(b"HTTP/1.1 101") {
        return Err("refused");
    }
    if !head.windows(ACCEPT.len()).any(|window| window == ACCEPT.as_bytes()) {
        return Err("wrong Sec-WebSocket-Accept");
    }
    let has = |text: &[u8]| head.windows(text.len()).any(|window| window == text);
    let answer =
        (has(b"permessage-deflate"), has(b"server_no_context_takeover"), has(b"client_no_context_takeover"));
    let is_wanted = match compression.map(|compression| compression.takeover) {
        None => answer == (false, false, false),
        Some(Takeover::Nobody) => answer == (true, true, true),
        // A server without takeover need not declare that.
        Some(Takeover::Client) => matches!(answer, (true, _, false)),
        Some(Takeover::Both) => answer == (true, false, false),
    };
    if is_wanted { Ok(true) } else { Err("another compression than wanted") }
}

//! Writes heads (RFC 9112 §4 and §5).

use http::{Response, header::HeaderMap};

/// Returns the status line and the headers of `response`, with the empty line at the end.
pub(crate) fn encode_response<B>(response: &Response<B>, is_canonical: bool) -> Vec<u8> {
    let status = response.status();
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(b"HTTP/1.1 ");
    bytes.extend_from_slice(status.as_str().as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    bytes.extend_from_slice(b"\r\n");
    encode_headers(response.headers(), is_canonical, &mut bytes);
    bytes
}

/// Appends the headers, with the empty line at the end. Names are written in lower case, or as in
/// RFC 6455 if `is_canonical`.
pub(crate) fn encode_headers(headers: &HeaderMap, is_canonical: bool, bytes: &mut Vec<u8>) {
    for (name, value) in headers {
        if is_canonical {
            encode_canonical(name.as_str(), bytes);
        } else {
            bytes.extend_from_slice(name.as_str().as_bytes());
        }
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
}

/// Writes `name` as in RFC 6455: `Sec-WebSocket-Accept`.
fn encode_canonical(name: &str, bytes: &mut Vec<u8>) {
    for (i, word) in name.split('-').enumerate() {
        if i > 0 {
            bytes.push(b'-');
        }
        match word.as_bytes() {
            b"websocket" => bytes.extend_from_slice(b"WebSocket"),
            [first, rest @ ..] => {
                bytes.push(first.to_ascii_uppercase());
                bytes.extend_from_slice(rest);
            }
            [] => {}
        }
    }
}

#[cfg(test)]
mod tests;

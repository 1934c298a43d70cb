//! The head of an HTTP/1.1 response as bytes (RFC 9112 §4 and §5).

use http::{Response, header::HeaderMap};

/// The status line and the headers of `response`, and the empty line after them.
pub(super) fn encode<B>(response: &Response<B>) -> Vec<u8> {
    let status = response.status();
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(b"HTTP/1.1 ");
    bytes.extend_from_slice(status.as_str().as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    bytes.extend_from_slice(b"\r\n");
    encode_headers(response.headers(), &mut bytes);
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn encode_headers(headers: &HeaderMap, bytes: &mut Vec<u8>) {
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::encode;

    #[test]
    fn the_head_of_a_response() {
        let response = Response::builder()
            .status(101)
            .header("upgrade", "websocket")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .body(())
            .unwrap();
        assert_eq!(
            String::from_utf8(encode(&response)).unwrap(),
            "HTTP/1.1 101 Switching Protocols\r\n\
             upgrade: websocket\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n"
        );
    }

    #[test]
    fn a_status_without_a_name() {
        let response = Response::builder().status(599).body(()).unwrap();
        assert_eq!(encode(&response), b"HTTP/1.1 599 \r\n\r\n");
    }
}

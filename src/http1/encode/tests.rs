use http::Response;

use super::{encode_canonical, encode_response};

#[test]
fn head_has_status_line_and_headers() {
    let response = Response::builder()
        .status(101)
        .header("upgrade", "websocket")
        .header("set-cookie", "a=1")
        .header("set-cookie", "b=2")
        .body(())
        .unwrap();
    assert_eq!(
        String::from_utf8(encode_response(&response, false)).unwrap(),
        "HTTP/1.1 101 Switching Protocols\r\n\
             upgrade: websocket\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n"
    );
    assert_eq!(
        String::from_utf8(encode_response(&response, true)).unwrap(),
        "HTTP/1.1 101 Switching Protocols\r\n\
             Upgrade: websocket\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n"
    );
}

#[test]
fn unknown_status_has_no_reason_phrase() {
    let response = Response::builder().status(599).body(()).unwrap();
    assert_eq!(encode_response(&response, false), b"HTTP/1.1 599 \r\n\r\n");
}

#[test]
fn names_are_spelled_as_in_the_rfc() {
    for (name, expected) in [
        ("sec-websocket-accept", "Sec-WebSocket-Accept"),
        ("connection", "Connection"),
        ("x--own-", "X--Own-"),
        ("2-a", "2-A"),
    ] {
        let mut bytes = Vec::new();
        encode_canonical(name, &mut bytes);
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}

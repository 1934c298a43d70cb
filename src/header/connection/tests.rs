use http::{HeaderMap, HeaderValue};

use super::strip_connection;

#[test]
fn only_connection_headers_are_removed() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("connection", "close, X-Hop"),
        ("connection", "not a name, x-other"),
        ("x-hop", "1"),
        ("x-hop", "2"),
        ("x-other", "1"),
        ("keep-alive", "5"),
        ("proxy-connection", "close"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("x-end", "1"),
    ] {
        headers.append(name, HeaderValue::from_static(value));
    }
    strip_connection(&mut headers);
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["x-end"]);
}

use http::{HeaderMap, HeaderValue};

use super::{Offered, Offers, SuccessResponse};

const ACCEPT: SuccessResponse = SuccessResponse::SwitchingProtocols(HeaderValue::from_static("x"));

fn settled(
    acceptance: SuccessResponse,
    offer: &'static str,
    lines: &[(&'static str, &'static str)],
) -> (HeaderMap, Option<HeaderValue>) {
    let mut request = HeaderMap::new();
    request.insert("sec-websocket-protocol", HeaderValue::from_static(offer));
    let offered = Offered::new(request.get_all("sec-websocket-protocol"));
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_static(value));
    }
    let settled = acceptance.settle(&mut headers, &offered, &Offers::default());
    (headers, settled.protocol)
}

#[test]
fn empty_response_gets_the_required_headers() {
    let (headers, protocol) = settled(ACCEPT, "chat", &[("connection", "close"), ("x-own", "1")]);
    assert_eq!(headers["connection"], "Upgrade");
    assert_eq!(headers["upgrade"], "websocket");
    assert_eq!(headers["sec-websocket-accept"], "x");
    assert_eq!(headers["x-own"], "1");
    assert_eq!(protocol, None);
}

#[test]
fn only_an_offered_subprotocol_is_sent() {
    for (acceptance, offer, answer, expected) in [
        (ACCEPT, "chat, superchat", "superchat", Some("superchat")),
        (ACCEPT, "chat", "other", None),
        (ACCEPT, "chat, superchat", "chat, superchat", None),
        (SuccessResponse::Ok, "chat, superchat", "superchat", Some("superchat")),
        (SuccessResponse::Ok, "chat", "other", None),
    ] {
        let (headers, protocol) = settled(acceptance, offer, &[("sec-websocket-protocol", answer)]);
        assert_eq!(protocol.as_ref().map(|p| p.to_str().unwrap()), expected);
        assert_eq!(headers.get("sec-websocket-protocol"), protocol.as_ref());
    }
}

#[test]
fn forbidden_and_unnegotiated_headers_are_removed() {
    let (headers, _) = settled(
        ACCEPT,
        "",
        &[
            ("sec-websocket-extensions", "permessage-deflate"),
            ("content-length", "0"),
            ("transfer-encoding", "chunked"),
        ],
    );
    assert_eq!(headers.len(), 3, "{headers:?}");
}

#[test]
fn ok_response_has_no_upgrade_headers() {
    assert!(SuccessResponse::Ok.prebuilt().headers().is_empty());
    let (headers, _) = settled(
        SuccessResponse::Ok,
        "",
        &[
            ("connection", "Upgrade, x-hop"),
            ("x-hop", "1"),
            ("upgrade", "websocket"),
            ("sec-websocket-accept", "x"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("content-length", "0"),
            ("transfer-encoding", "chunked"),
            ("x-own", "1"),
        ],
    );
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["x-own"]);
}

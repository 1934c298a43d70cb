//! Compares the checks of an opening handshake's headers with the rules in
//! [`opening`](crate::opening), through the layer's service.
//!
//! An input is three bytes that select the version, the method, the URI and the behavior of the
//! handshake service, and lines `name: value`. The service uses the last line in its response, if
//! it makes one.

use std::sync::{Arc, Mutex};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Version,
    header::{
        CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, TRANSFER_ENCODING, UPGRADE,
    },
};
use tower::{Layer, ServiceExt, service_fn};
use tower_websocket::{
    AllowOrigin, Config, Handshake, Rejection, WebSocket, WebSocketUpgradeLayer, handshake::HandshakeKind,
    upgrade::ResponseBody,
};

use crate::{
    digest,
    input::{Flags, Input},
    opening::{self, Verdict, protocols},
    runtime,
};

/// The behavior of the handshake service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Accepts,
    /// Selects the first offered protocol of [`PREFERRED`].
    Selects,
    /// Responds with a subprotocol that may not be offered.
    Answers,
    Rejects,
    /// Makes its own response, with this status.
    Responds(u16),
}

const PREFERRED: [&str; 3] = ["v2", "chat", "x"];

/// Connection headers that a careless service puts into its response.
const STRANGE: [(&str, &str); 7] = [
    ("connection", "close, x-hop"),
    ("x-hop", "1"),
    ("upgrade", "h2c"),
    ("sec-websocket-accept", "wrong"),
    ("content-length", "5"),
    ("transfer-encoding", "chunked"),
    ("keep-alive", "5"),
];

pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let mut flags = Flags::new(input.byte());
    let version = match (flags.bit(), flags.bit()) {
        (false, false) => Version::HTTP_11,
        (true, false) => Version::HTTP_2,
        (false, true) => Version::HTTP_10,
        (true, true) => Version::HTTP_3,
    };
    let method = match (flags.bit(), flags.bit()) {
        (false, _) if version == Version::HTTP_2 => Method::CONNECT,
        (false, _) => Method::GET,
        (true, false) => Method::POST,
        (true, true) => Method::from_bytes(b"get").expect("it is a token"),
    };
    let same_origin = !flags.bit();
    let protocol = match (flags.bit(), flags.bit(), flags.bit()) {
        (false, ..) => Some("websocket"),
        (true, false, false) => Some("WebSocket"),
        (true, true, false) => Some("websockets"),
        (true, _, true) => None,
    };
    let uris = [
        "/",
        "/chat?a=b",
        "https://example.com/chat",
        "http://example.com:8080/",
        "https://EXAMPLE.com:443/",
        "*",
    ];
    let uri = input.pick(&uris);
    let service = match input.byte() {
        0..100 => Service::Accepts,
        100..150 => Service::Selects,
        150..200 => Service::Answers,
        200..210 => Service::Rejects,
        byte => Service::Responds([101, 200, 204, 100, 302, 500][usize::from(byte) % 6]),
    };
    let mut headers = HeaderMap::new();
    let mut last = HeaderValue::from_static("");
    for line in input.rest().split(|byte| *byte == b'\n').take(60) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            last = value.clone();
            headers.append(name, value);
        }
    }

    let mut request =
        Request::builder().version(version).method(method).uri(uri).body(()).expect("a request");
    if let (Version::HTTP_2, Some(protocol)) = (version, protocol) {
        request.extensions_mut().insert(hyper::ext::Protocol::from(protocol));
    }
    *request.headers_mut() = headers;
    let asked = asked(&request, protocol);
    let verdict = asked.verdict(same_origin);
    let (response, seen) = ask(request, same_origin, service, &last);
    let context = || format!("{asked:?} {service:?} {verdict:?} {response:?} {seen:?}");

    assert_eq!(seen.inner, verdict == Verdict::Ordinary, "the inner service: {}", context());
    let Verdict::Asks { broken, unsure } = &verdict else { return };
    let status = response.status().as_u16();
    let is_http1 = asked.version == opening::Version::Http1;
    match &seen.offered {
        Some(offered) => {
            assert!(broken.is_empty(), "it is accepted: {}", context());
            assert_eq!(*offered, protocols(&asked), "{}", context());
            check_answer(&response, service, &last, offered, is_http1);
            if response.status() == 101 {
                let [key] = asked.lines("sec-websocket-key")[..] else { panic!("{}", context()) };
                assert_eq!(response.headers()[SEC_WEBSOCKET_ACCEPT], digest::accept(key));
            }
        }
        None => {
            assert!(broken.contains(&status) || unsure.contains(&status), "it is refused: {}", context());
            check_refusal(&response, is_http1);
        }
    }
}

/// The calls, and their arguments.
#[derive(Clone, Debug, Default)]
struct Seen {
    inner: bool,
    /// The subprotocols offered to the handshake service, if it was called.
    offered: Option<Vec<String>>,
}

fn ask(
    mut request: Request<()>,
    same_origin: bool,
    service: Service,
    last: &HeaderValue,
) -> (Response<ResponseBody<()>>, Seen) {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let handshake = {
        let (seen, last) = (Arc::clone(&seen), last.clone());
        service_fn(move |request: Request<Handshake>| {
            let answer = answer(request, service, &last, &seen);
            async { answer }
        })
    };
    let before = request.headers().clone();
    let inner = {
        let seen = Arc::clone(&seen);
        service_fn(move |request: Request<()>| {
            assert_eq!(*request.headers(), before);
            seen.lock().expect("no thread panics").inner = true;
            async { Ok::<_, std::convert::Infallible>(Response::new(())) }
        })
    };
    let origins = if same_origin { AllowOrigin::same_origin() } else { AllowOrigin::any() };
    let layer = WebSocketUpgradeLayer::new(handshake, async |_: WebSocket, ()| {})
        .with_config(Config::new().allow_origin(origins));
    let on_upgrade = hyper::upgrade::on(&mut request);
    request.extensions_mut().insert(on_upgrade);
    let response = runtime::run(layer.layer(inner).oneshot(request)).expect("it answers");
    let seen = seen.lock().expect("no thread panics").clone();
    (response, seen)
}

fn answer(
    request: Request<Handshake>,
    service: Service,
    last: &HeaderValue,
    seen: &Mutex<Seen>,
) -> Result<Response<()>, Rejection> {
    let mut handshake = request.into_body();
    let offered: Vec<String> = handshake.offered_protocols().map(str::to_owned).collect();
    let expected = PREFERRED.into_iter().find(|its| offered.iter().any(|offered| offered == its));
    seen.lock().expect("no thread panics").offered = Some(offered);
    let is_upgrade = handshake.kind() == HandshakeKind::Upgrade;
    assert_eq!(handshake.response().status(), if is_upgrade { 101 } else { 200 });
    match service {
        Service::Accepts => {}
        Service::Selects => assert_eq!(handshake.select_protocol(PREFERRED), expected),
        Service::Answers => {
            handshake.response_mut().headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, last.clone());
        }
        Service::Rejects => return Err(http::StatusCode::FORBIDDEN.into()),
        Service::Responds(status) => {
            let response =
                STRANGE.iter().fold(Response::builder().status(status), |response, (name, value)| {
                    response.header(*name, *value)
                });
            return Ok(response.header("x-own", "1").body(()).expect("a response"));
        }
    }
    Ok(handshake.accept(()))
}

/// Checks the response after the handshake service was called.
fn check_answer<B: std::fmt::Debug>(
    response: &Response<B>,
    service: Service,
    last: &HeaderValue,
    offered: &[String],
    is_http1: bool,
) {
    let accepting = if is_http1 { 101 } else { 200 };
    let status = match service {
        Service::Rejects => 403,
        Service::Responds(status) if status == accepting => status,
        // Statuses that cannot reject: any 1xx, and over HTTP/2 a status that a client would take
        // as success.
        Service::Responds(100..200) => 500,
        Service::Responds(200..300) if !is_http1 => 500,
        Service::Responds(status) => status,
        _ => accepting,
    };
    assert_eq!(response.status(), status, "{service:?}");
    let headers = response.headers();
    if !is_http1 {
        for name in [CONNECTION, UPGRADE, TRANSFER_ENCODING, HeaderName::from_static("keep-alive")] {
            assert!(!headers.contains_key(name), "{headers:?}");
        }
    }
    assert!(!headers.contains_key(CONTENT_LENGTH) && !headers.contains_key(TRANSFER_ENCODING), "{headers:?}");
    if status != accepting {
        assert_eq!(response.status().is_success(), is_http1 && (200..300).contains(&status));
        return;
    }
    if is_http1 {
        assert_eq!(headers[CONNECTION], "Upgrade");
        assert_eq!(headers[UPGRADE], "websocket");
        assert_eq!(headers.get_all(SEC_WEBSOCKET_ACCEPT).iter().count(), 1);
    } else {
        assert!(!headers.contains_key(SEC_WEBSOCKET_ACCEPT) && !headers.contains_key("x-hop"));
    }
    assert!(!headers.contains_key("sec-websocket-extensions"), "{headers:?}");
    let protocol: Vec<_> = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().collect();
    let is_offered = |name: &[u8]| offered.iter().any(|offered| offered.as_bytes() == name);
    let expected = match service {
        Service::Selects => PREFERRED.into_iter().find(|name| is_offered(name.as_bytes())).map(str::as_bytes),
        Service::Answers => Some(last.as_bytes()).filter(|name| is_offered(name)),
        _ => None,
    };
    assert_eq!(protocol.iter().map(|value| value.as_bytes()).collect::<Vec<_>>(), Vec::from_iter(expected));
}

/// Checks the response if the service was not called.
fn check_refusal<B>(response: &Response<B>, is_http1: bool) {
    let (status, headers) = (response.status().as_u16(), response.headers());
    assert_eq!(status == 405, headers.contains_key("allow"));
    if status == 426 {
        // RFC 9110 §15.5.22, RFC 6455 §4.4.
        assert!(is_http1 && headers[UPGRADE] == "websocket" && headers[CONNECTION] == "upgrade");
        assert_eq!(headers["sec-websocket-version"], "13");
    } else {
        assert!(!headers.contains_key(UPGRADE) && !headers.contains_key(CONNECTION));
    }
}

/// Converts the request for the reference.
fn asked(request: &Request<()>, protocol: Option<&str>) -> opening::Request {
    let lines = request.headers().iter();
    opening::Request {
        version: match request.version() {
            Version::HTTP_11 => opening::Version::Http1,
            Version::HTTP_2 => opening::Version::Http2,
            _ => opening::Version::Other,
        },
        method: request.method().to_string(),
        has_path: request.uri().path().starts_with('/'),
        scheme: request.uri().scheme_str().map(str::to_owned),
        authority: request.uri().authority().map(ToString::to_string),
        protocol: protocol.map(str::to_owned),
        lines: lines.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect(),
    }
}

//! Compares the negotiation of permessage-deflate with RFC 7692 §7.1.
//!
//! An input is four bytes of settings, and lines: those of the request's
//! `Sec-WebSocket-Extensions`, and after a line `-`, those that the handshake service adds to the
//! response.

use http::{HeaderValue, Request, Version, header::SEC_WEBSOCKET_EXTENSIONS};
use tower::{ServiceExt, service_fn};
use tower_websocket::{Config, Deflate, Handshake, Rejection, WebSocket, WebSocketUpgradeLayer};

use crate::{
    input::Input,
    lists::{Extension, extensions},
    runtime,
};

/// The parameters of an offer or a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Params {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// 0 stands for no value.
    client_max_window_bits: Option<u8>,
}

struct Settings {
    /// The server declares that it does not use context takeover.
    server_alone: bool,
    /// The client must not use context takeover.
    client_alone: bool,
    server_bits: u8,
    client_bits: u8,
}

pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let settings = Settings {
        server_alone: flags & 1 == 0,
        client_alone: flags & 2 == 0,
        server_bits: 9 + input.below(7) as u8,
        client_bits: 9 + input.below(7) as u8,
    };
    let (is_configured, is_http2, changes) = (flags & 4 == 0, flags & 8 != 0, flags & 16 != 0);
    let _ = input.byte();
    let mut lists = [Vec::new(), Vec::new()];
    let mut which = 0;
    for line in input.rest().split(|byte| *byte == b'\n') {
        match HeaderValue::from_bytes(line) {
            Ok(line) if line == "-" => which = 1,
            Ok(line) => lists[which].push(line),
            Err(_) => {}
        }
    }
    let [offered, replaced] = &lists.map(|lines| lines.into_iter().take(60).collect::<Vec<_>>());

    let mut config = Config::new();
    if is_configured {
        let deflate = Deflate::new()
            .context_takeover(flags & 32 != 0 && !settings.server_alone)
            .server_no_context_takeover(settings.server_alone)
            .client_no_context_takeover(settings.client_alone)
            .server_max_window_bits(settings.server_bits)
            .client_max_window_bits(settings.client_bits);
        config = config.deflate(deflate);
    }
    let offers = extensions(offered.iter().map(HeaderValue::as_bytes));
    let answer = ask(config, is_http2, offered, changes.then_some(&replaced[..]));
    // RFC 6455 §9.1: a malformed offer fails the handshake, also without compression.
    assert_eq!(answer.is_some(), offers.is_some(), "{offered:?}");
    let (Some((answer, proposed)), Some(offers)) = (answer, offers) else { return };

    let offers: Vec<Params> = offers.iter().filter_map(params).collect();
    let expected =
        if is_configured { offers.iter().find_map(|offer| accepted(offer, &settings)) } else { None };
    assert_eq!(proposed.as_deref().map(only), expected, "proposed {proposed:?} to {offered:?}");
    let expected = if !changes {
        expected
    } else {
        let replaced = extensions(replaced.iter().map(HeaderValue::as_bytes)).unwrap_or_default();
        let replaced = replaced.iter().find_map(params).filter(|_| is_configured);
        replaced.filter(|answer| offers.iter().any(|offer| may_answer(answer, offer)))
    };
    assert_eq!(answer.as_deref().map(only), expected, "{answer:?} to {offered:?}");
    if let Some(answer) = expected {
        assert!(
            offers.iter().any(|offer| may_answer(&answer, offer)),
            "{answer:?} was not offered: {offers:?}"
        );
    }
}

/// The value of the header, if there is one.
type Value = Option<Vec<u8>>;

/// Returns the extensions of the final response, and those of the prebuilt one, or `None` if the
/// request is rejected with 400.
fn ask(
    config: Config,
    is_http2: bool,
    offered: &[HeaderValue],
    replaced: Option<&[HeaderValue]>,
) -> Option<(Value, Value)> {
    let (prebuilt, proposed) = std::sync::mpsc::channel();
    let replaced = replaced.map(<[_]>::to_vec);
    let handshake = service_fn(move |request: Request<Handshake>| {
        let mut handshake = request.into_body();
        let headers = handshake.response_mut().headers_mut();
        prebuilt.send(headers.get(SEC_WEBSOCKET_EXTENSIONS).cloned()).expect("it is still asked for");
        if let Some(replaced) = &replaced {
            headers.remove(SEC_WEBSOCKET_EXTENSIONS);
            for line in replaced {
                headers.append(SEC_WEBSOCKET_EXTENSIONS, line.clone());
            }
        }
        let answer = Ok::<_, Rejection>(handshake.accept(()));
        async { answer }
    });
    let layer = WebSocketUpgradeLayer::new(handshake, async |_: WebSocket, ()| {}).with_config(config);
    let request = Request::builder().header("sec-websocket-version", "13");
    let mut request = if is_http2 {
        let request = request.version(Version::HTTP_2).method("CONNECT").uri("https://x/");
        request.extension(hyper::ext::Protocol::from_static("websocket"))
    } else {
        request
            .header("host", "x")
            .header("upgrade", "websocket")
            .header("connection", "upgrade")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    }
    .body(())
    .expect("a request");
    for line in offered {
        request.headers_mut().append(SEC_WEBSOCKET_EXTENSIONS, line.clone());
    }
    let on_upgrade = hyper::upgrade::on(&mut request);
    request.extensions_mut().insert(on_upgrade);
    let response = runtime::run(layer.into_service().oneshot(request)).expect("it answers");
    if response.status() == 400 {
        return None;
    }
    assert_eq!(response.status(), if is_http2 { 200 } else { 101 });
    let mut lines = response.headers().get_all(SEC_WEBSOCKET_EXTENSIONS).iter();
    let answer = lines.next().map(|line| line.as_bytes().to_vec());
    assert!(lines.next().is_none(), "more than one line of extensions");
    let proposed = proposed.recv().expect("the service is asked");
    Some((answer, proposed.map(|line| line.as_bytes().to_vec())))
}

/// Returns the only member of a response, which must be valid.
fn only(value: &[u8]) -> Params {
    let list = extensions([value]).unwrap_or_default();
    let [answer] = &list[..] else { panic!("no single extension: {}", value.escape_ascii()) };
    let commas = value.iter().filter(|byte| **byte == b',').count();
    assert_eq!(commas, 0, "{}", value.escape_ascii());
    params(answer).expect("the answer is one of permessage-deflate")
}

/// RFC 7692 §7.1. Returns the parameters, unless one is unknown, repeated or has a wrong value.
fn params(extension: &Extension) -> Option<Params> {
    if !extension.name.eq_ignore_ascii_case("permessage-deflate") {
        return None;
    }
    let values = |name: &str| {
        extension
            .params
            .iter()
            .filter(|(its, _)| its == name)
            .map(|(_, value)| value.clone())
            .collect::<Vec<_>>()
    };
    let flag = |name| match &values(name)[..] {
        [] => Some(false),
        [None] => Some(true),
        _ => None,
    };
    let bits = |value: &str| (8..=15).find(|bits: &u8| bits.to_string() == value);
    let known = [
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits",
        "client_max_window_bits",
    ];
    if extension.params.iter().any(|(name, _)| !known.contains(&&**name)) {
        return None;
    }
    Some(Params {
        server_no_context_takeover: flag(known[0])?,
        client_no_context_takeover: flag(known[1])?,
        server_max_window_bits: match &values(known[2])[..] {
            [] => None,
            [Some(value)] => Some(bits(value)?),
            _ => return None,
        },
        client_max_window_bits: match &values(known[3])[..] {
            [] => None,
            [None] => Some(0),
            [Some(value)] => Some(bits(value)?),
            _ => return None,
        },
    })
}

/// Returns the response to an offer with these settings: of all valid responses, the one with the
/// fewest parameters.
fn accepted(offer: &Params, settings: &Settings) -> Option<Params> {
    let mut answers = Vec::new();
    let bits = [None, Some(8), Some(9), Some(10), Some(11), Some(12), Some(13), Some(14), Some(15)];
    for server_no_context_takeover in [false, true] {
        for client_no_context_takeover in [false, true] {
            for server_max_window_bits in bits {
                for client_max_window_bits in bits {
                    let answer = Params {
                        server_no_context_takeover,
                        client_no_context_takeover,
                        server_max_window_bits,
                        client_max_window_bits,
                    };
                    if may_answer(&answer, offer) && suits(&answer, offer, settings) {
                        answers.push(answer);
                    }
                }
            }
        }
    }
    assert!(answers.len() <= 1, "more than one answer: {answers:?}");
    answers.pop()
}

/// RFC 7692 §7.1. Returns whether this response to the offer is valid, and zlib supports it.
fn may_answer(answer: &Params, offer: &Params) -> bool {
    if offer.server_no_context_takeover && !answer.server_no_context_takeover {
        return false;
    }
    match (offer.server_max_window_bits, answer.server_max_window_bits) {
        (Some(_), None) => return false,
        (Some(limit), Some(bits)) if bits > limit => return false,
        (_, Some(8)) => return false,
        _ => {}
    }
    match (offer.client_max_window_bits, answer.client_max_window_bits) {
        (_, None) => true,
        (_, Some(0)) | (None, Some(_)) => false,
        (Some(0), Some(_)) => true,
        (Some(limit), Some(bits)) => bits <= limit,
    }
}

/// Returns whether a response is exactly the one that the offer and the settings require: the
/// largest allowed window, and context takeover unless one of them disables it.
fn suits(answer: &Params, offer: &Params, settings: &Settings) -> bool {
    let server = settings.server_bits.min(offer.server_max_window_bits.unwrap_or(15));
    let server_window = match answer.server_max_window_bits {
        // An offered parameter must be answered. A window of 15 is the default.
        None => offer.server_max_window_bits.is_none() && server == 15,
        Some(bits) => bits == server && (server < 15 || offer.server_max_window_bits.is_some()),
    };
    let client = match offer.client_max_window_bits {
        None => 15,
        Some(0) => settings.client_bits,
        Some(limit) => limit.min(settings.client_bits),
    };
    server_window
        && answer.client_max_window_bits == (client < 15).then_some(client)
        && answer.server_no_context_takeover == (settings.server_alone || offer.server_no_context_takeover)
        && answer.client_no_context_takeover == (settings.client_alone || offer.client_no_context_takeover)
}

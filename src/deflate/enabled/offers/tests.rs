use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};

use super::{Offers, Settings};
use crate::Deflate;

fn headers(lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(line).unwrap());
    }
    headers
}

fn offers(lines: &[&str], deflate: &Deflate) -> Offers {
    Offers::new(&headers(lines), &Settings(Some(deflate.clone())))
}

/// Returns the answer without the extension's name, and checks that the answer is accepted.
fn answer(lines: &[&str], deflate: &Deflate) -> Option<String> {
    let offers = offers(lines, deflate);
    let answer = offers.answer()?;
    let mut response = HeaderMap::new();
    response.insert(SEC_WEBSOCKET_EXTENSIONS, answer.clone());
    assert!(offers.settle(&mut response).0.is_some(), "{answer:?} to {lines:?}");
    assert_eq!(response[SEC_WEBSOCKET_EXTENSIONS], answer);
    Some(answer.to_str().unwrap().strip_prefix("permessage-deflate").unwrap().replace("; ", ";"))
}

#[test]
fn first_acceptable_offer_is_answered() {
    let cases: &[(&[&str], Option<&str>)] = &[
        (&[], None),
        (&["x-webkit-deflate-frame"], None),
        (&["permessage-deflate"], Some("")),
        (&["Permessage-Deflate"], Some("")),
        (&["x, permessage-deflate"], Some("")),
        (&["x", "permessage-deflate"], Some("")),
        (
            &["permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=9"],
            Some(";server_max_window_bits=9"),
        ),
        (&["permessage-deflate; unknown", "permessage-deflate"], Some("")),
        (
            &["permessage-deflate; server_no_context_takeover, permessage-deflate"],
            Some(";server_no_context_takeover"),
        ),
    ];
    for (lines, expected) in cases {
        assert_eq!(answer(lines, &Deflate::new()).as_deref(), *expected, "{lines:?}");
    }
}

#[test]
fn by_default_the_answer_repeats_the_offer() {
    for (params, expected) in [
        ("", ""),
        (";server_no_context_takeover", ";server_no_context_takeover"),
        (";client_no_context_takeover", ";client_no_context_takeover"),
        (
            ";client_no_context_takeover;server_no_context_takeover",
            ";server_no_context_takeover;client_no_context_takeover",
        ),
        (";server_max_window_bits=9", ";server_max_window_bits=9"),
        (";server_max_window_bits=15", ";server_max_window_bits=15"),
        (";client_max_window_bits", ""),
        (";client_max_window_bits=15", ""),
        (";client_max_window_bits=12", ";client_max_window_bits=12"),
        (";client_max_window_bits=\"8\"", ";client_max_window_bits=8"),
    ] {
        // Settings of the server's compression do not change the answer.
        for deflate in [Deflate::new(), Deflate::new().context_takeover(true).level(9).threshold(0)] {
            let answered = answer(&[&format!("permessage-deflate{params}")], &deflate);
            assert_eq!(answered.as_deref(), Some(expected), "{params}");
        }
    }
}

#[test]
fn offer_with_an_invalid_parameter_is_declined() {
    for params in [
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=8",
        "server_max_window_bits=16",
        "server_max_window_bits=09",
        "server_max_window_bits=+9",
        "server_max_window_bits=10; server_max_window_bits=10",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=010",
        "client_max_window_bits; client_max_window_bits",
        "client_max_window_bits; client_max_window_bits=10",
        "server_no_context_takeover=1",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover=true",
        "client_no_context_takeover; client_no_context_takeover",
        "unknown",
        "unknown=1",
        "Server_No_Context_Takeover",
        "",
    ] {
        assert_eq!(answer(&[&format!("permessage-deflate; {params}")], &Deflate::new()), None, "{params}");
    }
}

#[test]
fn answer_respects_both_the_settings_and_the_offer() {
    let server = Deflate::new().server_no_context_takeover(true);
    let client = Deflate::new().client_no_context_takeover(true);
    let both = server.clone().client_no_context_takeover(true);
    let small = Deflate::new().server_max_window_bits(10).client_max_window_bits(11);
    let cases: &[(&Deflate, &str, &str)] = &[
        (&server, "", ";server_no_context_takeover"),
        (&server, ";client_no_context_takeover", ";server_no_context_takeover;client_no_context_takeover"),
        (&client, "", ";client_no_context_takeover"),
        (&client, ";server_no_context_takeover", ";server_no_context_takeover;client_no_context_takeover"),
        (&both, ";client_max_window_bits", ";server_no_context_takeover;client_no_context_takeover"),
        (&small, "", ";server_max_window_bits=10"),
        (&small, ";server_max_window_bits=12", ";server_max_window_bits=10"),
        (&small, ";server_max_window_bits=9", ";server_max_window_bits=9"),
        (&small, ";client_max_window_bits", ";server_max_window_bits=10;client_max_window_bits=11"),
        (&small, ";client_max_window_bits=10", ";server_max_window_bits=10;client_max_window_bits=10"),
        (&small, ";client_max_window_bits=12", ";server_max_window_bits=10;client_max_window_bits=11"),
    ];
    for (deflate, params, expected) in cases {
        let answered = answer(&[&format!("permessage-deflate{params}")], deflate);
        assert_eq!(answered.as_deref(), Some(*expected), "{params}");
    }
}

#[test]
fn response_keeps_only_an_answer_to_an_offer() {
    let cases = [
        ("", ""),
        ("", ";server_no_context_takeover;client_no_context_takeover;server_max_window_bits=9"),
        (";server_max_window_bits=12", ";server_max_window_bits=12"),
        (";client_max_window_bits", ";client_max_window_bits=9"),
        (";client_max_window_bits=12", ";client_max_window_bits=12"),
        (";client_max_window_bits=12", ""),
    ];
    for (offer, response) in cases {
        let offers = offers(&[&format!("permessage-deflate{offer}")], &Deflate::new());
        let mut response = headers(&[&format!("permessage-deflate{response}")]);
        assert!(offers.settle(&mut response).0.is_some(), "{response:?} to {offer}");
        assert!(response.contains_key(SEC_WEBSOCKET_EXTENSIONS));
    }
    let cases = [
        (";server_no_context_takeover", ""),
        (";server_max_window_bits=12", ""),
        (";server_max_window_bits=12", ";server_max_window_bits=13"),
        ("", ";server_max_window_bits=8"),
        ("", ";client_max_window_bits=12"),
        (";client_max_window_bits", ";client_max_window_bits"),
        (";client_max_window_bits=12", ";client_max_window_bits=13"),
        ("", ";unknown"),
    ];
    for (offer, response) in cases {
        let offers = offers(&[&format!("permessage-deflate{offer}")], &Deflate::new());
        let mut response = headers(&[&format!("permessage-deflate{response}")]);
        assert!(offers.settle(&mut response).0.is_none(), "{response:?} to {offer}");
        assert!(response.is_empty());
    }
}

#[test]
fn other_extension_is_never_sent() {
    let offers = offers(&["x, permessage-deflate"], &Deflate::new());
    let mut response = headers(&["x", "permessage-deflate"]);
    assert!(offers.settle(&mut response).0.is_some());
    assert_eq!(response.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().count(), 1);
    assert_eq!(response[SEC_WEBSOCKET_EXTENSIONS], "permessage-deflate");

    for other in ["x", "permessage-deflate, x y", "x=, permessage-deflate"] {
        let mut response = headers(&[other]);
        assert!(offers.settle(&mut response).0.is_none(), "{other}");
        assert!(response.is_empty(), "{other}");
    }
}

#[test]
fn without_settings_nothing_is_negotiated() {
    let offers = Offers::new(&headers(&["permessage-deflate"]), &Settings(None));
    assert!(offers.answer().is_none());
    let mut response = headers(&["permessage-deflate"]);
    assert!(offers.settle(&mut response).0.is_none());
    assert!(response.is_empty());
}

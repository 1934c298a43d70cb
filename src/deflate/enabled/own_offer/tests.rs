use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};

use super::{OwnOffer, Settings};
use crate::Deflate;

fn response(lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        // `~` stands for a byte that is not ASCII.
        let line = line.bytes().map(|byte| if byte == b'~' { 0x89 } else { byte }).collect::<Vec<_>>();
        headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_bytes(&line).unwrap());
    }
    headers
}

#[test]
fn offer_contains_the_settings() {
    for (deflate, expected) in [
        (Deflate::new(), "; client_max_window_bits"),
        (Deflate::new().context_takeover(true).level(9), "; client_max_window_bits"),
        (Deflate::new().client_max_window_bits(12), "; client_max_window_bits=12"),
        (Deflate::new().server_max_window_bits(10), "; server_max_window_bits=10; client_max_window_bits"),
        (
            Deflate::new().server_no_context_takeover(true).client_no_context_takeover(true),
            "; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
        ),
    ] {
        let offer = OwnOffer::new(&Settings(Some(deflate)));
        assert_eq!(offer.value().unwrap(), format!("permessage-deflate{expected}"));
    }
    assert!(OwnOffer::new(&Settings(None)).value().is_none());
}

#[test]
fn only_an_answer_to_the_offer_is_accepted() {
    let plain = Deflate::new();
    let strict = Deflate::new().server_no_context_takeover(true).server_max_window_bits(10);
    let small = Deflate::new().client_max_window_bits(12);
    let cases: &[(Option<&Deflate>, &[&str], Option<bool>)] = &[
        (None, &[], Some(false)),
        (None, &[""], Some(false)),
        (None, &["permessage-deflate"], None),
        (None, &["x"], None),
        (None, &["~"], None),
        (None, &["permessage-defl~te"], None),
        (Some(&plain), &[], Some(false)),
        (Some(&plain), &["permessage-deflate"], Some(true)),
        (Some(&plain), &["Permessage-Deflate; server_no_context_takeover"], Some(true)),
        (Some(&plain), &["permessage-deflate; client_no_context_takeover"], Some(true)),
        (Some(&plain), &["permessage-deflate; server_max_window_bits=8"], Some(true)),
        (Some(&plain), &["permessage-deflate; client_max_window_bits=8"], Some(true)),
        (Some(&plain), &["permessage-deflate; client_max_window_bits"], None),
        (Some(&plain), &["permessage-deflate; client_max_window_bits=16"], None),
        (Some(&plain), &["permessage-deflate; unknown"], None),
        (Some(&plain), &["permessage-deflate; server_max_window_bits"], None),
        (Some(&plain), &["permessage-deflate, permessage-deflate"], None),
        (Some(&plain), &["permessage-deflate", "permessage-deflate"], None),
        (Some(&plain), &["permessage-deflate, x"], None),
        (Some(&plain), &["permessage-deflate, ;"], None),
        (Some(&plain), &["permessage-deflate, ~"], None),
        (Some(&plain), &["permessage-deflate", "~"], None),
        (Some(&plain), &["~"], None),
        (Some(&plain), &["permessage-deflate;"], None),
        (Some(&plain), &["x-webkit-deflate-frame"], None),
        (Some(&plain), &[";;"], None),
        (Some(&strict), &["permessage-deflate"], None),
        (Some(&strict), &["permessage-deflate; server_no_context_takeover"], None),
        (Some(&strict), &["permessage-deflate; server_no_context_takeover; server_max_window_bits=11"], None),
        (
            Some(&strict),
            &["permessage-deflate; server_no_context_takeover; server_max_window_bits=10"],
            Some(true),
        ),
        (Some(&small), &["permessage-deflate"], Some(true)),
        (Some(&small), &["permessage-deflate; client_max_window_bits=13"], None),
        (Some(&small), &["permessage-deflate; client_max_window_bits=9"], Some(true)),
    ];
    for (deflate, lines, expected) in cases {
        let offer = OwnOffer::new(&Settings(deflate.cloned()));
        let accepted = offer.accept(&response(lines)).map(|agreed| agreed.0.is_some());
        assert_eq!(accepted, *expected, "{lines:?} to {:?}", offer.value());
    }
}

#[test]
fn with_a_window_that_zlib_does_not_support_messages_are_sent_uncompressed() {
    let offer = OwnOffer::new(&Settings(Some(Deflate::new().threshold(0))));
    let message = tungstenite::Message::text("x".repeat(1000));
    for (bits, is_compressed) in [(8, false), (9, true)] {
        let answer = format!("permessage-deflate; client_max_window_bits={bits}");
        let agreed = offer.accept(&response(&[&answer])).unwrap();
        assert_eq!(agreed.deflater().compress(&message).is_some(), is_compressed);
        assert!(agreed.inflater().is_on());
    }
}

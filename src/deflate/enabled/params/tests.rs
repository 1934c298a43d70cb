use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};
use proptest::{option, prelude::*};

use super::{ClientBits, Params};
use crate::{
    Deflate,
    header::{arbitrary::config, extensions},
};

fn params() -> impl Strategy<Value = Params> {
    let client = option::of(prop_oneof![Just(ClientBits::Any), (8..=15_u8).prop_map(ClientBits::AtMost)]);
    (any::<(bool, bool)>(), option::of(8..=15_u8), client).prop_map(|(flags, server, client)| Params {
        server_no_context_takeover: flags.0,
        client_no_context_takeover: flags.1,
        server_max_window_bits: server,
        client_max_window_bits: client,
    })
}

fn deflate() -> impl Strategy<Value = Deflate> {
    (any::<(bool, bool)>(), 9..=15_u8, 9..=15_u8).prop_map(|(alone, server, client)| {
        Deflate::new()
            .server_no_context_takeover(alone.0)
            .client_no_context_takeover(alone.1)
            .server_max_window_bits(server)
            .client_max_window_bits(client)
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn written_parameters_are_parsed_again(params in params()) {
        let mut headers = HeaderMap::new();
        headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::try_from(params.member()).unwrap());
        let read: Vec<_> = extensions(&headers).flatten().map(Params::parse).collect();
        prop_assert_eq!(read, [Some(params)]);
    }

    #[test]
    fn by_default_an_answer_contains_only_offered_parameters(offer in params()) {
        let Some(answer) = offer.answer(&Deflate::new()) else { return Ok(()) };
        prop_assert_eq!(answer.server_no_context_takeover, offer.server_no_context_takeover);
        prop_assert_eq!(answer.client_no_context_takeover, offer.client_no_context_takeover);
        prop_assert_eq!(answer.server_max_window_bits, offer.server_max_window_bits);
        match (offer.client_max_window_bits, answer.client_max_window_bits) {
            (None | Some(ClientBits::Any | ClientBits::AtMost(15)), None) => {}
            (Some(ClientBits::AtMost(offered)), Some(ClientBits::AtMost(bits))) => {
                prop_assert_eq!(bits, offered);
            }
            unasked => prop_assert!(false, "{:?}", unasked),
        }
    }

    #[test]
    fn answer_is_valid_and_respects_the_settings(offer in params(), deflate in deflate()) {
        // zlib cannot compress with a window of 8 bits.
        let Some(answer) = offer.answer(&deflate) else {
            prop_assert_eq!(offer.server_max_window_bits, Some(8));
            return Ok(());
        };
        prop_assert!(answer.answers(&offer));
        prop_assert!(answer.server_window_bits() <= deflate.server_max_window_bits);
        prop_assert!(answer.server_no_context_takeover || !deflate.server_no_context_takeover);
        prop_assert!(answer.client_no_context_takeover || !deflate.client_no_context_takeover);
        match answer.client_max_window_bits {
            Some(ClientBits::AtMost(bits)) => prop_assert!(bits <= deflate.client_max_window_bits),
            Some(ClientBits::Any) => prop_assert!(false, "invalid in an answer"),
            None => {}
        }
    }
}

use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_PROTOCOL};
use proptest::{collection::vec, prelude::*};

use super::Offered;
use crate::header::arbitrary::{config, layout, token};

fn offered(lines: &[&'static str]) -> Offered {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(line));
    }
    Offered::new(headers.get_all(SEC_WEBSOCKET_PROTOCOL))
}

#[test]
fn preference_of_the_server_decides() {
    let cases: &[(&[&'static str], &[&str], Option<&str>)] = &[
        (&["chat, superchat"], &["superchat", "chat"], Some("superchat")),
        (&["chat", "superchat"], &["superchat", "chat"], Some("superchat")),
        (&["chat, superchat"], &["other", "chat"], Some("chat")),
        (&["chat"], &["Chat"], None),
        (&["chat"], &[], None),
        (&[], &["chat"], None),
        (&["chatty"], &["chat"], None),
    ];
    for (lines, preferred, expected) in cases {
        let selected = offered(lines).select(*preferred);
        assert_eq!(selected.as_ref().map(|value| value.to_str().unwrap()), *expected);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn first_preferred_name_that_is_offered_is_selected(
        names in vec(token(), 0..6),
        layout in layout(),
        others in vec(token(), 0..3),
        turn: usize,
    ) {
        let headers = layout.header(SEC_WEBSOCKET_PROTOCOL, &names);
        let offered = Offered::new(headers.get_all(SEC_WEBSOCKET_PROTOCOL));
        prop_assert_eq!(offered.iter().collect::<Vec<_>>(), &names[..]);
        let mut preferred = [&others[..], &names].concat();
        let len = preferred.len();
        preferred.rotate_left(if len > 0 { turn % len } else { 0 });
        let first = preferred.iter().find(|name| names.contains(name));
        let selected = offered.select(&preferred);
        prop_assert_eq!(selected.as_ref().map(|value| value.to_str().unwrap()), first.map(|name| &**name));
        for name in &preferred {
            let value = HeaderValue::from_str(name).unwrap();
            prop_assert_eq!(offered.contains(&value), names.contains(name));
        }
    }
}

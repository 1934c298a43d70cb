//! The selection of a subprotocol (RFC 6455 §1.9 and §4.2.2).

use http::{
    HeaderMap, HeaderValue,
    header::{GetAll, SEC_WEBSOCKET_PROTOCOL},
};

use crate::header::tokens;

/// The subprotocols that a client offers, in the client's order of preference.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offered(HeaderMap);

impl Offered {
    pub(crate) fn new(lines: GetAll<'_, HeaderValue>) -> Self {
        // An empty `HeaderMap` does not allocate. Most requests offer no subprotocol.
        let mut offered = HeaderMap::new();
        for line in lines {
            offered.append(SEC_WEBSOCKET_PROTOCOL, line.clone());
        }
        Self(offered)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        tokens(&self.0, &SEC_WEBSOCKET_PROTOCOL)
    }

    /// Returns the first of `preferred` that the client offers. Names are case-sensitive (RFC 6455
    /// §4.2.2).
    pub(crate) fn select<P: AsRef<str>>(
        &self,
        preferred: impl IntoIterator<Item = P>,
    ) -> Option<HeaderValue> {
        preferred.into_iter().find_map(|preferred| {
            let protocol = self.iter().find(|offered| *offered == preferred.as_ref())?;
            HeaderValue::from_str(protocol).ok()
        })
    }

    pub(crate) fn contains(&self, protocol: &HeaderValue) -> bool {
        self.iter().any(|offered| offered.as_bytes() == protocol.as_bytes())
    }
}

#[cfg(test)]
mod tests {
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
}

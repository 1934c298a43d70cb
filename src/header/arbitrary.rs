//! Generators of lists in every layout that the grammar allows (RFC 9110 §5.6), for property tests.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngSeed},
};

/// A configuration with a fixed seed.
pub(crate) fn config() -> Config {
    Config {
        cases: if cfg!(miri) { 4 } else { 512 },
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(6455),
        ..Config::default()
    }
}

/// A token (RFC 9110 §5.6.2).
pub(crate) fn token() -> impl Strategy<Value = String> {
    "[-!#$%&'*+.^_`|~0-9A-Za-z]{1,8}"
}

/// Optional whitespace (RFC 9110 §5.6.3), which is empty in half of the cases.
pub(crate) fn space() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ \t]{0,3}"]
}

/// The separators between the members of a list.
#[derive(Clone, Debug)]
pub(crate) struct Layout(Vec<(String, Between)>);

#[derive(Clone, Debug)]
enum Between {
    Comma,
    /// Empty members, which a recipient must skip (RFC 9110 §5.6.1.2).
    Commas,
    Line,
}

pub(crate) fn layout() -> impl Strategy<Value = Layout> {
    let between =
        prop_oneof![4 => Just(Between::Comma), 1 => Just(Between::Commas), 1 => Just(Between::Line)];
    vec((space(), between), 1..8).prop_map(Layout)
}

impl Layout {
    /// Returns the members as a header with one or more lines.
    pub(crate) fn header(&self, name: HeaderName, members: &[impl AsRef<str>]) -> HeaderMap {
        let (mut headers, mut line) = (HeaderMap::new(), String::new());
        let mut between = self.0.iter().cycle();
        for (i, member) in members.iter().enumerate() {
            let (space, next) = between.next().expect("a layout is not empty");
            line += &format!("{space}{}{space}", member.as_ref());
            match next {
                Between::Line => {
                    let value =
                        HeaderValue::try_from(std::mem::take(&mut line)).expect("no control characters");
                    headers.append(name.clone(), value);
                }
                Between::Comma if i + 1 == members.len() => {}
                Between::Comma => line += ",",
                Between::Commas => line += ", ,\t,",
            }
        }
        headers.append(name, HeaderValue::try_from(line).expect("no control characters"));
        headers
    }
}

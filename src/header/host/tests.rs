use proptest::prelude::*;

use super::{Host, HostPort};
use crate::header::arbitrary::config;

#[test]
fn host_and_port_are_parsed() {
    for (text, host, port) in [
        ("example.com", Host::Name("example.com"), None),
        ("EXAMPLE.com:80", Host::Name("example.com"), Some(80)),
        ("example.com:", Host::Name("example.com"), None),
        ("example.com:0080", Host::Name("example.com"), Some(80)),
        ("127.0.0.1:65535", Host::Name("127.0.0.1"), Some(65535)),
        ("my_service", Host::Name("my_service"), None),
        ("a%20b", Host::Name("a%20b"), None),
        ("[::1]", Host::V6("::1".parse().unwrap()), None),
        ("[0:0:0:0:0:0:0:1]:9001", Host::V6("::1".parse().unwrap()), Some(9001)),
        ("[::ffff:1.2.3.4]", Host::V6("::ffff:1.2.3.4".parse().unwrap()), None),
    ] {
        let parsed = HostPort::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text:?} is not parsed"));
        assert!(parsed.host == host && parsed.port == port, "{text:?} {parsed:?}");
    }
}

#[test]
fn anything_else_is_invalid() {
    for text in [
        "",
        ":",
        ":80",
        "a b",
        " a",
        "a ",
        "a\tb",
        "a/b",
        "a/",
        "/a",
        "a?b",
        "a#b",
        "a\\b",
        "user@host",
        "user:pw@host",
        "@host",
        "host:80x",
        "host:x",
        "host:+80",
        "host:-1",
        "host: 80",
        "host:80 ",
        "host:65536",
        "host:99999",
        "host:80:80",
        "host::80",
        "::1",
        "::1:9001",
        "[::1",
        "::1]",
        "[]",
        "[]:80",
        "[::1]80",
        "[::1]x",
        "[::1]:x",
        "[::1%25eth0]",
        "[1.2.3.4]",
        "[v1.a]",
        "[[::1]]",
        "a[",
        "a%",
        "a%2",
        "a%zz",
        "http://a",
        "a\"b",
        "a<b>",
        "a|b",
        "b\u{fc}cher.example",
        "\u{7f}",
    ] {
        assert!(HostPort::parse(text.as_bytes()).is_none(), "{text:?} is parsed");
    }
    assert!(HostPort::parse(b"b\xfccher.example").is_none());
}

#[test]
fn default_port_equals_a_missing_port() {
    for (one, other, default, expected) in [
        ("a", "A", None, true),
        ("a", "a:80", Some(80), true),
        ("a:", "a:80", Some(80), true),
        ("a", "a:80", Some(443), false),
        ("a", "a:80", None, false),
        ("[::1]", "[0::1]:80", Some(80), true),
        ("a", "b", Some(80), false),
    ] {
        let parse = |text: &'static str| HostPort::parse(text.as_bytes()).unwrap();
        assert_eq!(parse(one).is_same(&parse(other), default), expected, "{one} {other} {default:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn host_with_any_port_is_parsed(name in "[a-zA-Z0-9._~-]{1,20}", number: u16, address: u128) {
        let text = format!("{name}:{number}");
        let parsed = HostPort::parse(text.as_bytes()).unwrap();
        prop_assert!(parsed.host == Host::Name(&name) && parsed.port == Some(number));
        let address = std::net::Ipv6Addr::from(address);
        let text = format!("[{address}]:{number}");
        let parsed = HostPort::parse(text.as_bytes()).unwrap();
        prop_assert!(parsed.host == Host::V6(address) && parsed.port == Some(number));
    }

    #[test]
    fn name_has_no_delimiter(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
        if let Some(HostPort { host: Host::Name(name), .. }) = HostPort::parse(&bytes) {
            prop_assert!(!name.is_empty() && bytes.starts_with(name.as_bytes()));
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@:[]\\\"<>".contains(&byte)));
        }
    }
}

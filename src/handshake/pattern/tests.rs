use super::HostPattern;
use crate::header::HostPort;

#[test]
fn pattern_matches_only_its_hosts() {
    for (pattern, host, expected) in [
        ("example.com", "EXAMPLE.com", true),
        ("Example.COM", "example.com", true),
        ("example.com", "example.com:443", true),
        ("example.com:443", "example.com", true),
        ("example.com", "example.com:8443", false),
        ("example.com:8443", "example.com:8443", true),
        ("example.com", "www.example.com", false),
        ("example.com", "example.com.", false),
        ("*.example.com", "www.example.com", true),
        ("*.example.com", "a.b.Example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", ".example.com", false),
        ("*.example.com", "badexample.com", false),
        ("*.example.com", "www.example.com.evil.org", false),
        ("*.example.com", "www.example.com:8443", false),
        ("*.example.com:8443", "www.example.com:8443", true),
        ("127.0.0.1", "127.0.0.1", true),
        ("[::1]", "[0:0:0:0:0:0:0:1]", true),
        ("[::1]:9001", "[::1]:9001", true),
        ("[::1]", "[::2]", false),
    ] {
        let allowed = HostPattern::parse(pattern).unwrap().allows(&parse(host), Some(443));
        assert_eq!(allowed, expected, "{pattern} {host}");
    }
}

#[test]
fn pattern_without_a_port_can_allow_any_port() {
    for (pattern, host, expected) in [
        ("localhost", "localhost", true),
        ("localhost", "localhost:9001", true),
        ("localhost:9001", "localhost:9001", true),
        ("localhost:9001", "localhost:9002", false),
        ("localhost:9001", "localhost", false),
        ("localhost:80", "localhost", true),
    ] {
        let allowed = HostPattern::parse(pattern).unwrap().allows_at_any_port(&parse(host), Some(80));
        assert_eq!(allowed, expected, "{pattern} {host}");
    }
}

fn parse(host: &'static str) -> HostPort<'static> {
    HostPort::parse(host.as_bytes()).unwrap()
}

#[test]
fn entries_that_cannot_match_are_invalid() {
    for (text, reason) in [
        ("", "neither"),
        (".", "neither"),
        ("a b", "neither"),
        (" a", "neither"),
        ("a..b", "neither"),
        (".a", "neither"),
        ("a/b", "neither"),
        ("a@b", "neither"),
        ("a%41", "neither"),
        ("*.", "neither"),
        ("b\u{fc}cher.example", "punycode"),
        ("*", "wildcard"),
        ("**.a", "wildcard"),
        ("*a.b", "wildcard"),
        ("a.*", "wildcard"),
        ("a.*.b", "wildcard"),
        ("*.*.a", "wildcard"),
        ("*.127.0.0.1", "subdomains"),
        ("*.[::1]", "neither"),
        ("127.1", "four"),
        ("127.0.0.01", "four"),
        ("127.0.0.1.", "four"),
        ("2130706433", "four"),
        ("0x7f.0.0.1", "four"),
        ("256.0.0.1", "four"),
        ("a.0x10", "four"),
        ("a:", "colon"),
        ("a:b", "number"),
        ("a:*", "number"),
        ("a:+1", "number"),
        ("a:65536", "number"),
        ("a:80:80", "number"),
        ("::1", "neither"),
        ("[::1", "closed"),
        ("[::g]", "IPv6"),
        ("[::1]a", "colon"),
        ("[*]", "IPv6"),
    ] {
        let error = HostPattern::parse(text).expect_err(text);
        assert!(error.contains(reason), "{text:?}: {error}");
    }
}

use super::{Origin, OriginPattern};

#[test]
fn entry_allows_the_origins_that_it_names() {
    for (entry, origin, expected) in [
        ("https://example.com", "https://example.com", true),
        ("https://example.com/", "https://example.com", true),
        ("https://example.com:443", "https://example.com", true),
        ("https://example.com", "https://example.com:443", true),
        ("HTTPS://Example.COM", "https://example.com", true),
        ("https://example.com", "HTTPS://EXAMPLE.com", true),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example", true),
        ("https://XN--bcher-KVA.example", "https://xn--bcher-kva.example", true),
        ("http://example.com:80", "http://example.com", true),
        ("http://example.com", "https://example.com", false),
        ("https://example.com:80", "http://example.com", false),
        ("https://example.com", "https://example.com:8443", false),
        ("https://example.com:8443", "https://example.com:8443", true),
        ("https://example.com:8443", "https://example.com", false),
        ("https://example.com", "https://www.example.com", false),
        ("https://example.com", "https://example.com.evil.org", false),
        ("https://example.com", "https://user@example.com", false),
        ("https://example.com", "https://example.com/path", false),
        ("https://example.com", "example.com", false),
        ("https://example.com", "null", false),
        ("https://example.com", "", false),
        ("https://*.example.com", "https://www.example.com", true),
        ("https://*.example.com", "https://a.b.example.com:443", true),
        ("https://*.example.com", "https://example.com", false),
        ("https://*.example.com", "http://www.example.com", false),
        ("https://*.example.com", "https://www.example.com:8443", false),
        ("https://*.example.com:8443", "https://www.example.com:8443", true),
        ("https://*.example.com", "https://wwwexample.com", false),
        ("https://*.example.com", "https://*.example.com", true),
        ("http://[::1]:9001", "http://[0:0:0:0:0:0:0:1]:9001", true),
        ("http://127.0.0.1:9001", "http://127.0.0.1:9001", true),
        ("null", "null", true),
        ("null", "Null", false),
        ("null", "file://", false),
        ("file://", "file://", true),
        ("file:///", "file://", true),
        ("file://", "null", false),
        ("file://", "file://host", false),
        ("app://localhost", "app://localhost", true),
        ("app://localhost", "app://localhost:80", false),
        ("chrome-extension://abcdef", "chrome-extension://abcdef", true),
    ] {
        let pattern = OriginPattern::parse(entry).unwrap_or_else(|error| panic!("{entry}: {error}"));
        let allowed = Origin::parse(origin.as_bytes()).is_some_and(|origin| pattern.allows(&origin));
        assert_eq!(allowed, expected, "{entry} {origin}");
    }
}

#[test]
fn origins_that_no_page_has_are_invalid_entries() {
    for (entry, reason) in [
        ("", "look like"),
        ("*", "look like"),
        ("example.com", "look like"),
        ("example.com:443", "look like"),
        ("//example.com", "look like"),
        ("https:example.com", "look like"),
        ("https:/example.com", "look like"),
        ("://example.com", "look like"),
        (" https://example.com", "look like"),
        ("*://example.com", "look like"),
        ("NULL", "look like"),
        ("wss://example.com", "http or https"),
        ("WS://example.com", "http or https"),
        ("https://example.com/path", "no path"),
        ("https://example.com//", "no path"),
        ("https://example.com?a", "no path"),
        ("https://example.com#a", "no path"),
        ("https://user@example.com", "no path"),
        ("https://example.com\\", "no path"),
        ("https://", "neither"),
        ("https:///", "neither"),
        ("https://example.com ", "neither"),
        ("https://example.com,https://b", "no path"),
        ("https://b\u{fc}cher.example", "punycode"),
        ("https://*", "wildcard"),
        ("https://example.*", "wildcard"),
        ("https://w*.example.com", "wildcard"),
        ("https://example.com:*", "number"),
        ("https://example.com:", "colon"),
        ("https://127.1", "four"),
        ("https://[::1", "closed"),
    ] {
        let error = OriginPattern::parse(entry).expect_err(entry);
        assert!(error.contains(reason), "{entry:?}: {error}");
    }
}

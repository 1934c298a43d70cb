use http::{Request, request::Parts};

use super::AllowOrigin;
use crate::handshake::OverTls;

fn parts(host: &str, origins: &[&str]) -> Parts {
    let request = origins.iter().fold(Request::get("/").header("host", host), |r, o| r.header("origin", *o));
    request.body(()).unwrap().into_parts().0
}

#[test]
fn same_origin_has_the_same_host_and_port() {
    let cases: &[(&str, &[&str], bool)] = &[
        ("example.com", &[], true),
        ("example.com", &["http://example.com"], true),
        ("example.com", &["https://example.com"], true),
        ("example.com", &["HTTPS://Example.COM"], true),
        ("EXAMPLE.com", &["https://example.com"], true),
        ("example.com:8080", &["http://example.com:8080"], true),
        ("example.com:443", &["https://example.com"], true),
        ("example.com", &["https://example.com:443"], true),
        ("[::1]:8080", &["http://[::1]:8080"], true),
        ("127.0.0.1:8080", &["http://127.0.0.1:8080"], true),
        ("example.com", &["https://example.com:8443"], false),
        ("example.com:8080", &["http://example.com"], false),
        ("example.com:80", &["https://example.com"], false),
        ("example.com", &["https://www.example.com"], false),
        ("example.com", &["https://example.com.evil.org"], false),
        ("example.com", &["https://evil.org"], false),
        ("example.com", &["https://example.com@evil.org"], false),
        ("example.com", &["https://evil.org@example.com"], false),
        ("example.com", &["https://example.com/path"], false),
        ("example.com", &["app://example.com"], false),
        ("example.com:99999", &["https://example.com"], false),
        ("example.com:", &["https://example.com"], true),
        ("example.com", &["https://example.com:"], true),
        ("example.com:80", &["http://example.com"], true),
        ("example.com", &["ftp://example.com"], false),
        ("example.com:80", &["app://example.com:80"], false),
        ("example.com", &["file://"], false),
        ("[::1]:8080", &["http://[0:0:0:0:0:0:0:1]:8080"], true),
        ("example.com", &["example.com"], false),
        ("example.com", &["null"], false),
        ("example.com", &[""], false),
        ("example.com", &["https://example.com", "https://example.com"], false),
        ("example.com", &["https://example.com", "https://evil.org"], false),
    ];
    for (host, origins, expected) in cases {
        let checked = AllowOrigin::same_origin().check(&parts(host, origins));
        assert_eq!(checked.is_ok(), *expected, "{host} {origins:?}");
    }
}

#[test]
fn page_without_tls_has_another_origin_if_the_request_came_over_tls() {
    for (host, origin, expected) in [
        ("example.com", "https://example.com", true),
        ("example.com", "http://example.com", false),
        ("example.com:80", "http://example.com", false),
        ("example.com:443", "http://example.com:443", false),
    ] {
        let mut parts = parts(host, &[origin]);
        parts.extensions.insert(OverTls);
        assert_eq!(AllowOrigin::same_origin().check(&parts).is_ok(), expected, "{host} {origin}");
    }
}

#[test]
fn authority_of_the_uri_has_precedence_over_host() {
    for (uri, host, expected) in [
        ("https://example.com/", None, true),
        ("https://example.com/", Some("evil.org"), true),
        ("https://evil.org/", Some("example.com"), false),
        ("/", Some("example.com"), true),
        ("/", None, false),
    ] {
        let request = Request::get(uri).header("origin", "https://example.com");
        let request = host.into_iter().fold(request, |r, host| r.header("host", host));
        let parts = request.body(()).unwrap().into_parts().0;
        assert_eq!(AllowOrigin::same_origin().check(&parts).is_ok(), expected, "{uri} {host:?}");
    }
}

#[test]
fn other_policies_allow_other_origins() {
    let evil = parts("example.com", &["https://evil.org"]);
    let none = parts("example.com", &[]);
    let list = AllowOrigin::list(["https://Evil.org", "null"]).unwrap();
    let other = AllowOrigin::list(["https://example.com"]).unwrap();
    let predicate = AllowOrigin::predicate(|origin, parts| origin == "https://evil.org" && parts.uri == "/");
    for (policy, expected) in [
        (AllowOrigin::any(), true),
        (list, true),
        (other, false),
        (predicate, true),
        (AllowOrigin::predicate(|_, _| false), false),
    ] {
        assert_eq!(policy.check(&evil).is_ok(), expected, "{policy:?}");
        assert!(policy.check(&none).is_ok(), "{policy:?}");
    }
}

#[test]
fn invalid_entry_is_named() {
    let error = AllowOrigin::list(["https://example.com", "https://b\u{fc}cher.example"]).unwrap_err();
    assert_eq!(error.entry(), "https://b\u{fc}cher.example");
    assert_eq!(
        error.to_string(),
        "\"https://b\u{fc}cher.example\" is not an origin: \
         a non-ASCII domain name must be written in punycode, with xn--"
    );
}

#[test]
fn rejection_names_origin_host_and_setting() {
    let error =
        AllowOrigin::same_origin().check(&parts("example.com:81", &["https://evil.org"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the origin \"https://evil.org\" is not allowed at the host \"example.com:81\", see Config::allow_origin"
    );
    let error = AllowOrigin::any().check(&parts("example.com", &["https://a", "https://b"])).unwrap_err();
    assert_eq!(error.to_string(), "Origin is repeated: \"https://a, https://b\", it may occur at most once");
}

use http::Request;

use super::AllowHost;

fn is_allowed(policy: &AllowHost, uri: &str, host: &str) -> bool {
    let request = Request::get(uri).header("host", host).body(()).unwrap();
    policy.check(&request.into_parts().0).is_ok()
}

#[test]
fn only_hosts_of_the_list_are_allowed() {
    let list = AllowHost::list([
        "localhost",
        "127.0.0.1",
        "[::1]",
        "*.example.com",
        "only.example.org:8443",
        "a:443",
    ])
    .unwrap();
    for (host, expected) in [
        ("localhost", true),
        ("LOCALHOST:9001", true),
        ("127.0.0.1:9001", true),
        ("[0::1]:9001", true),
        ("www.example.com", true),
        ("only.example.org:8443", true),
        ("a", true),
        ("a:443", true),
        ("a:80", false),
        ("only.example.org", false),
        ("example.com", false),
        ("evil.example:8081", false),
        ("localhost.evil.example", false),
        ("localhost.", false),
        ("127.0.0.2", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(&list, "/", host), expected, "{host}");
        assert!(is_allowed(&AllowHost::any(), "/", host), "{host}");
    }
}

#[test]
fn authority_of_the_uri_has_precedence_over_host() {
    let list = AllowHost::list(["localhost"]).unwrap();
    assert!(is_allowed(&list, "http://localhost/", "evil.example"));
    assert!(!is_allowed(&list, "http://evil.example/", "localhost"));
}

#[test]
fn invalid_entry_is_named() {
    let error = AllowHost::list(["localhost", "http://localhost"]).unwrap_err();
    assert_eq!(error.entry(), "http://localhost");
    assert_eq!(error.to_string(), "\"http://localhost\" is not a host: its port is not a number up to 65535");
    assert!(AllowHost::list(["*"]).is_err());
    assert!(AllowHost::list(Vec::<String>::new()).is_ok());
}

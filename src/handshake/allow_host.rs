//! The hosts under which the server may be asked (against DNS rebinding).

use std::sync::Arc;

use http::{HeaderValue, request::Parts};

use super::{HandshakeError, InvalidEntry, authority, pattern::HostPattern};

/// The hosts under which the server may be asked for a WebSocket: `Host`, over HTTP/2 `:authority`.
///
/// The same-origin check compares a page's origin with the host that its browser asked, and both
/// may be the attacker's: a page at `http://evil.example:8081` whose name is made to point at 127.0.0.1 once it is loaded (DNS
/// rebinding) reaches a server on that machine with `Host` and `Origin` equal. A server that knows
/// its names rejects such a request. This matters for servers that trust whoever reaches them: on a
/// loopback address, or in a private network. A server with a login is safe, as browsers do not
/// send its cookies to another name.
///
/// The default is [`any`](Self::any).
///
/// ```
/// use tower_websocket::{AllowHost, Config};
///
/// # fn main() -> Result<(), tower_websocket::handshake::InvalidEntry> {
/// let config = Config::new().allow_host(AllowHost::list(["localhost", "127.0.0.1", "[::1]"])?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct AllowHost(Policy);

#[derive(Clone, Debug, Default)]
enum Policy {
    #[default]
    Any,
    List(Arc<[HostPattern]>),
}

impl AllowHost {
    /// Allows any host.
    pub fn any() -> Self {
        Self(Policy::Any)
    }

    /// Allows only the hosts of a list: a domain name in any case, an IPv4 address, or an IPv6
    /// address in brackets.
    ///
    /// - `example.com` is this host at any port, `example.com:8443` at that port only.
    /// - `*.example.com` is every subdomain of `example.com`, but not `example.com` itself.
    /// - A domain name that is not ASCII is written in punycode, as in `xn--bcher-kva.example`.
    ///
    /// # Errors
    ///
    /// [`InvalidEntry`] names an entry that is not a host, or one that no browser sends in this
    /// form.
    pub fn list<H: AsRef<str>>(hosts: impl IntoIterator<Item = H>) -> Result<Self, InvalidEntry> {
        let parse = |host: H| {
            let host = host.as_ref();
            HostPattern::parse(host).map_err(|reason| InvalidEntry::new(host, "a host", reason))
        };
        let hosts: Result<_, _> = hosts.into_iter().map(parse).collect();
        Ok(Self(Policy::List(hosts?)))
    }

    /// Checks the host that the request with the head `parts` is for.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), HandshakeError> {
        let Policy::List(hosts) = &self.0 else { return Ok(()) };
        let default = parts.uri.scheme_str().and_then(authority::default_port);
        let is_allowed = authority::of(parts).is_some_and(|asked| {
            // Without a scheme the default port is either of the two.
            let defaults = default.map_or([Some(80), Some(443)], |port| [Some(port); 2]);
            hosts.iter().any(|host| defaults.iter().any(|default| host.allows_at_any_port(&asked, *default)))
        });
        if is_allowed {
            return Ok(());
        }
        let host = authority::text(parts).and_then(|host| HeaderValue::from_bytes(host).ok());
        Err(HandshakeError::ForbiddenHost(host.unwrap_or(HeaderValue::from_static(""))))
    }
}

#[cfg(test)]
mod tests {
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
    fn the_authority_of_the_uri_comes_before_host() {
        let list = AllowHost::list(["localhost"]).unwrap();
        assert!(is_allowed(&list, "http://localhost/", "evil.example"));
        assert!(!is_allowed(&list, "http://evil.example/", "localhost"));
    }

    #[test]
    fn a_bad_entry_is_named() {
        let error = AllowHost::list(["localhost", "http://localhost"]).unwrap_err();
        assert_eq!(error.entry(), "http://localhost");
        assert_eq!(
            error.to_string(),
            "\"http://localhost\" is not a host: its port is not a number up to 65535"
        );
        assert!(AllowHost::list(["*"]).is_err());
        assert!(AllowHost::list(Vec::<String>::new()).is_ok());
    }
}

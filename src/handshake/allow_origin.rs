//! Which origins may open a WebSocket (RFC 6455 §4.2.2 item 4 and §10.2).

use std::{fmt, sync::Arc};

use http::{HeaderValue, header::ORIGIN, request::Parts};

use super::{
    HandshakeError, InvalidEntry, authority,
    origin::{Origin, OriginPattern},
};
use crate::header::joined;

/// Which origins may open a WebSocket.
///
/// Browsers let any page open a WebSocket to any server, with that server's cookies, and only tell
/// the page's origin in the `Origin` header: without this check a foreign page acts as its visitor.
/// Requests without `Origin` come from programs that could send any value, so they pass under every
/// policy.
///
/// The default is [`same_origin`](Self::same_origin). It does not protect a server on a loopback
/// address or in a private network from DNS rebinding, where `Host` is the attacker's as well;
/// [`AllowHost`](crate::AllowHost) does.
#[derive(Clone, Default)]
pub struct AllowOrigin(Policy);

#[derive(Clone, Default)]
enum Policy {
    #[default]
    SameOrigin,
    Any,
    List(Arc<[OriginPattern]>),
    Predicate(Arc<Predicate>),
}

type Predicate = dyn Fn(&HeaderValue, &Parts) -> bool + Send + Sync;

impl AllowOrigin {
    /// Allows only the origin whose host and port are those that the request is for: `Host`, over
    /// HTTP/2 `:authority`.
    ///
    /// A port that either leaves out is the default of the origin's scheme, so that a proxy which
    /// ends TLS in front of the server changes nothing. The opaque origin `null` is never the same.
    pub fn same_origin() -> Self {
        Self(Policy::SameOrigin)
    }

    /// Allows any origin. For servers without ambient credentials: no cookies, no client
    /// certificates, no trust in the client's address.
    pub fn any() -> Self {
        Self(Policy::Any)
    }

    /// Allows only the origins of a list. The server's own origin is not on the list unless it is
    /// in `origins`.
    ///
    /// Entries and the header are compared as scheme, host and port, in any case, and a port that
    /// is left out is the default of the scheme: `https://example.com`, `https://Example.com/` and `https://example.com:443` are the same.
    ///
    /// - `https://*.example.com` is every subdomain of `example.com`, but not `example.com` itself.
    ///   There are no other wildcards.
    /// - A domain name that is not ASCII is written in punycode, as in `https://xn--bcher-kva.example`.
    /// - `null` is the origin of sandboxed frames and, in most browsers, of files: every page can have it. `file://` is
    ///   what some browsers and applications send for files.
    ///
    /// ```
    /// use tower_websocket::AllowOrigin;
    ///
    /// # fn main() -> Result<(), tower_websocket::handshake::InvalidEntry> {
    /// let origins = AllowOrigin::list("https://example.com https://*.example.com".split_whitespace())?;
    /// let error = AllowOrigin::list(["example.com"]).unwrap_err();
    /// assert_eq!(error.to_string(), "\"example.com\" is not an origin: it must look like https://example.com");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidEntry`] names an entry that is not an origin, or one that no browser sends in this
    /// form.
    pub fn list<O: AsRef<str>>(origins: impl IntoIterator<Item = O>) -> Result<Self, InvalidEntry> {
        let parse = |origin: O| {
            let origin = origin.as_ref();
            OriginPattern::parse(origin).map_err(|reason| InvalidEntry::new(origin, "an origin", reason))
        };
        let origins: Result<_, _> = origins.into_iter().map(parse).collect();
        Ok(Self(Policy::List(origins?)))
    }

    /// Allows the origins for which `predicate` is true; it is given the `Origin` and the request's
    /// head.
    pub fn predicate(predicate: impl Fn(&HeaderValue, &Parts) -> bool + Send + Sync + 'static) -> Self {
        Self(Policy::Predicate(Arc::new(predicate)))
    }

    /// Checks the origin of the request with the head `parts`.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), HandshakeError> {
        let mut lines = parts.headers.get_all(ORIGIN).iter();
        let Some(origin) = lines.next() else { return Ok(()) };
        if lines.next().is_some() {
            return Err(HandshakeError::RepeatedOrigin(joined(&parts.headers, &ORIGIN)));
        }
        let parsed = || Origin::parse(origin.as_bytes());
        let is_allowed = match &self.0 {
            Policy::SameOrigin => {
                authority::of(parts).is_some_and(|own| parsed().is_some_and(|origin| origin.is_at(&own)))
            }
            Policy::Any => true,
            Policy::List(list) => {
                parsed().is_some_and(|origin| list.iter().any(|pattern| pattern.allows(&origin)))
            }
            Policy::Predicate(predicate) => predicate(origin, parts),
        };
        if is_allowed {
            return Ok(());
        }
        let host = authority::text(parts).and_then(|host| HeaderValue::from_bytes(host).ok());
        let host = host.unwrap_or(HeaderValue::from_static(""));
        Err(HandshakeError::ForbiddenOrigin { origin: origin.clone(), host })
    }
}

impl fmt::Debug for AllowOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Policy::SameOrigin => f.write_str("SameOrigin"),
            Policy::Any => f.write_str("Any"),
            Policy::List(list) => f.debug_tuple("List").field(list).finish(),
            Policy::Predicate(_) => f.write_str("Predicate(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, request::Parts};

    use super::AllowOrigin;

    fn parts(host: &str, origins: &[&str]) -> Parts {
        let request =
            origins.iter().fold(Request::get("/").header("host", host), |r, o| r.header("origin", *o));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_same_origin_has_the_same_host_and_port() {
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
    fn the_authority_of_the_uri_comes_before_host() {
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
    fn a_policy_can_allow_others() {
        let evil = parts("example.com", &["https://evil.org"]);
        let none = parts("example.com", &[]);
        let list = AllowOrigin::list(["https://Evil.org", "null"]).unwrap();
        let other = AllowOrigin::list(["https://example.com"]).unwrap();
        let predicate =
            AllowOrigin::predicate(|origin, parts| origin == "https://evil.org" && parts.uri == "/");
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
    fn a_bad_entry_is_named() {
        let error = AllowOrigin::list(["https://example.com", "https://b\u{fc}cher.example"]).unwrap_err();
        assert_eq!(error.entry(), "https://b\u{fc}cher.example");
        assert_eq!(
            error.to_string(),
            "\"https://b\u{fc}cher.example\" is not an origin: \
             a domain name that is not ASCII is written in punycode, with xn--"
        );
    }

    #[test]
    fn the_rejection_names_origin_host_and_setting() {
        let error =
            AllowOrigin::same_origin().check(&parts("example.com:81", &["https://evil.org"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the origin \"https://evil.org\" is not allowed at the host \"example.com:81\": Config::allow_origin decides"
        );
        let error = AllowOrigin::any().check(&parts("example.com", &["https://a", "https://b"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Origin is repeated: \"https://a, https://b\", it must be there once at most"
        );
    }
}

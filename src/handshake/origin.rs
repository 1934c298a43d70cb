//! Which origins may open a WebSocket (RFC 6455 §4.2.2 item 4 and §10.2).

use std::{fmt, sync::Arc};

use http::{HeaderValue, Uri, header::ORIGIN, request::Parts, uri::Authority};

use super::{HandshakeError, authority};

/// Which origins may open a WebSocket.
///
/// Browsers let any page open a WebSocket to any server, with that server's cookies, and only tell the page's
/// origin in the `Origin` header: without this check a foreign page acts as its visitor. Requests without
/// `Origin` come from programs that could send any value, so they pass under every policy.
///
/// The default is [`same_origin`](Self::same_origin).
#[derive(Clone, Default)]
pub struct AllowOrigin(Policy);

#[derive(Clone, Default)]
enum Policy {
    #[default]
    SameOrigin,
    Any,
    List(Arc<[HeaderValue]>),
    Predicate(Arc<Predicate>),
}

type Predicate = dyn Fn(&HeaderValue, &Parts) -> bool + Send + Sync;

impl AllowOrigin {
    /// Only the origin whose host and port are those that the request is for: `Host`, over HTTP/2 `:authority`.
    ///
    /// A port that either leaves out is the default of the origin's scheme, so that a proxy which ends TLS in
    /// front of the server changes nothing. The opaque origin `null` is never the same.
    pub fn same_origin() -> Self {
        Self(Policy::SameOrigin)
    }

    /// Any origin. For servers without ambient credentials: no cookies, no client certificates, no trust in the
    /// client's address.
    pub fn any() -> Self {
        Self(Policy::Any)
    }

    /// Only the origins of a list, each as browsers send it (`https://example.com`, `https://example.com:8443`),
    /// in any case. The server's own origin is not on the list unless it is in `origins`.
    ///
    /// # Panics
    ///
    /// Panics when an origin is neither `null` nor a scheme, a host and perhaps a port.
    pub fn list<O: AsRef<str>>(origins: impl IntoIterator<Item = O>) -> Self {
        let origins = origins.into_iter().map(|origin| {
            let origin = origin.as_ref();
            let value = HeaderValue::from_str(origin).ok();
            match value {
                Some(value) if origin == "null" || Origin::parse(&value).is_some() => value,
                _ => panic!("{origin:?} is not an origin: it must look like https://example.com"),
            }
        });
        Self(Policy::List(origins.collect()))
    }

    /// The origins for which `predicate` is true; it is given the `Origin` and the request's head.
    pub fn predicate(predicate: impl Fn(&HeaderValue, &Parts) -> bool + Send + Sync + 'static) -> Self {
        Self(Policy::Predicate(Arc::new(predicate)))
    }

    /// Whether the request with the head `parts` may go on.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), HandshakeError> {
        let mut lines = parts.headers.get_all(ORIGIN).iter();
        let Some(origin) = lines.next() else { return Ok(()) };
        let allowed = lines.next().is_none()
            && match &self.0 {
                Policy::SameOrigin => is_same_origin(origin, parts),
                Policy::Any => true,
                Policy::List(list) => {
                    list.iter().any(|o| o.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
                }
                Policy::Predicate(predicate) => predicate(origin, parts),
            };
        if allowed { Ok(()) } else { Err(HandshakeError::ForbiddenOrigin(origin.clone())) }
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

/// A tuple origin (RFC 6454 §4): scheme, host, port.
struct Origin {
    authority: Authority,
    default_port: Option<u16>,
}

impl Origin {
    fn parse(value: &HeaderValue) -> Option<Self> {
        let uri = Uri::try_from(value.as_bytes()).ok()?;
        let authority = uri.authority()?.clone();
        if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
            return None;
        }
        Some(Self { authority, default_port: authority::default_port(uri.scheme_str()?) })
    }
}

fn is_same_origin(origin: &HeaderValue, parts: &Parts) -> bool {
    let Some(origin) = Origin::parse(origin) else { return false };
    authority::of(parts).is_some_and(|own| authority::is_same(&own, &origin.authority, origin.default_port))
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
            ("example.com:", &["https://example.com"], false),
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
        let list = AllowOrigin::list(["https://Evil.org", "null"]);
        let other = AllowOrigin::list(["https://example.com"]);
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
    #[should_panic(expected = "\"example.com\" is not an origin")]
    fn a_bad_origin_in_a_list_fails_where_it_is_set() {
        AllowOrigin::list(["example.com"]);
    }
}

//! The origins that may open a WebSocket (RFC 6455 §4.2.2 item 4 and §10.2).

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use http::{HeaderValue, header::ORIGIN, request::Parts};

use super::{
    HandshakeError, InvalidEntry, authority,
    origin::{Origin, OriginPattern},
};
use crate::header::{HostPort, single};

/// The origins that may open a WebSocket.
///
/// Browsers allow any page to open a WebSocket to any server, and send that server's cookies with
/// the request. The `Origin` header names the origin of the page. Without this check, a foreign
/// page can act in the name of its visitor. Requests without `Origin` are allowed by every policy:
/// they come from programs that could send any value.
///
/// The default is [`same_origin`](Self::same_origin). It does not protect a server on a loopback
/// address or in a private network from DNS rebinding, because the attacker controls `Host` as
/// well. [`AllowHost`](crate::AllowHost) protects against that.
///
/// # Examples
///
/// ```
/// use tower_websocket::{AllowOrigin, Config};
///
/// # fn main() -> Result<(), tower_websocket::handshake::InvalidEntry> {
/// let origins = AllowOrigin::list(["https://example.com", "https://*.example.com"])?;
/// let config = Config::new().allow_origin(origins);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct AllowOrigin(OriginPolicy);

#[derive(Clone, Default)]
enum OriginPolicy {
    #[default]
    SameOrigin,
    Any,
    List(Arc<[OriginPattern]>),
    Predicate(Arc<Predicate>),
}

type Predicate = dyn Fn(&HeaderValue, &Parts) -> bool + Send + Sync;

impl AllowOrigin {
    /// Allows only the origin that has the host and port of the request, as named by `Host` or,
    /// over HTTP/2, by `:authority`.
    ///
    /// A missing port is the default port of the origin's scheme. A proxy that terminates TLS in
    /// front of the server therefore makes no difference. The opaque origin `null` is never
    /// allowed.
    ///
    /// If the client is known to use TLS, an origin with `http` is not allowed: anyone on the path
    /// to the client can forge such a page. It is known on the connections of
    /// [`serve_tls`](crate::serve_tls()), and over HTTP/2 from `:scheme`. Behind a proxy that
    /// terminates TLS it is unknown over HTTP/1.1. Use [`list`](Self::list) there, or HSTS. Also
    /// use `list` if a proxy takes connections without TLS, and connects to the server with TLS.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{AllowOrigin, Config};
    ///
    /// let config = Config::new().allow_origin(AllowOrigin::same_origin());
    /// ```
    pub fn same_origin() -> Self {
        Self(OriginPolicy::SameOrigin)
    }

    /// Allows any origin.
    ///
    /// Use it only for servers without ambient credentials: without cookies, without client
    /// certificates, and without trust in the client's address.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{AllowOrigin, Config};
    ///
    /// let config = Config::new().allow_origin(AllowOrigin::any());
    /// ```
    pub fn any() -> Self {
        Self(OriginPolicy::Any)
    }

    /// Allows only the origins of a list. The server's own origin is not allowed unless it is in
    /// the list.
    ///
    /// Entries are compared with the header by scheme, host and port, ignoring case. A missing port
    /// is the default port of the scheme. `https://example.com`, `https://Example.com/` and
    /// `https://example.com:443` are equal.
    ///
    /// - `https://*.example.com` allows every subdomain of `example.com`, but not `example.com`
    ///   itself. There are no other wildcards.
    /// - Non-ASCII domain names must be written in punycode, such as
    ///   `https://xn--bcher-kva.example`.
    /// - `null` is the origin of sandboxed frames and, in most browsers, of files. Every page can
    ///   have it.
    /// - `file://` is the origin of files in some browsers and applications.
    ///
    /// # Errors
    ///
    /// Returns an [`InvalidEntry`] if an entry is not an origin, or if no browser sends it in this
    /// form.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::AllowOrigin;
    ///
    /// # fn main() -> Result<(), tower_websocket::handshake::InvalidEntry> {
    /// let variable = "https://example.com https://*.example.com";
    /// let origins = AllowOrigin::list(variable.split_whitespace())?;
    ///
    /// let error = AllowOrigin::list(["example.com"]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "\"example.com\" is not an origin: it must look like https://example.com",
    /// );
    /// # Ok(())
    /// # }
    /// ```
    pub fn list<O: AsRef<str>>(origins: impl IntoIterator<Item = O>) -> Result<Self, InvalidEntry> {
        let parse = |origin: O| {
            let origin = origin.as_ref();
            OriginPattern::parse(origin).map_err(|reason| InvalidEntry::new(origin, "an origin", reason))
        };
        let origins: Result<_, _> = origins.into_iter().map(parse).collect();
        Ok(Self(OriginPolicy::List(origins?)))
    }

    /// Allows the origins for which `predicate` returns `true`. It is called with the `Origin`
    /// header and the head of the request. If it panics, the request is answered with 500.
    ///
    /// # Examples
    ///
    /// Allows foreign origins only for the public feed:
    ///
    /// ```
    /// use tower_websocket::{AllowOrigin, Config};
    ///
    /// let origins = AllowOrigin::predicate(|origin, request| {
    ///     origin == "https://example.com" || request.uri.path() == "/public"
    /// });
    /// let config = Config::new().allow_origin(origins);
    /// ```
    pub fn predicate(predicate: impl Fn(&HeaderValue, &Parts) -> bool + Send + Sync + 'static) -> Self {
        Self(OriginPolicy::Predicate(Arc::new(predicate)))
    }

    /// Checks the origin of the request with the head `parts`.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), HandshakeError> {
        let origin = single(&parts.headers, &ORIGIN).map_err(HandshakeError::RepeatedOrigin)?;
        let Some(origin) = origin else { return Ok(()) };
        let parsed = || Origin::parse(origin.as_bytes());
        let is_allowed = match &self.0 {
            OriginPolicy::SameOrigin => {
                let is_at = |own: HostPort<'_>| {
                    parsed().is_some_and(|origin| origin.is_at(&own, authority::is_over_tls(parts)))
                };
                authority::of(parts).is_some_and(is_at)
            }
            OriginPolicy::Any => true,
            OriginPolicy::List(list) => {
                parsed().is_some_and(|origin| list.iter().any(|pattern| pattern.allows(&origin)))
            }
            OriginPolicy::Predicate(predicate) => catch_unwind(AssertUnwindSafe(|| predicate(origin, parts)))
                .map_err(|_| HandshakeError::Panicked)?,
        };
        if is_allowed {
            return Ok(());
        }
        Err(HandshakeError::ForbiddenOrigin { origin: origin.clone(), host: authority::value(parts) })
    }
}

impl fmt::Debug for AllowOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            OriginPolicy::SameOrigin => f.write_str("SameOrigin"),
            OriginPolicy::Any => f.write_str("Any"),
            OriginPolicy::List(list) => f.debug_tuple("List").field(list).finish(),
            OriginPolicy::Predicate(_) => f.write_str("Predicate(..)"),
        }
    }
}

#[cfg(test)]
mod tests;

//! The hosts that a request may be addressed to, against DNS rebinding.

use std::sync::Arc;

use http::request::Parts;

use super::{HandshakeError, InvalidEntry, authority, pattern::HostPattern};

/// The hosts that a request may be addressed to, by `Host` or, over HTTP/2, by `:authority`.
///
/// This protects against DNS rebinding. The same-origin check compares a page's origin with the
/// host of the request, but an attacker can control both. The owner of `evil.example` can change
/// the address of that name to 127.0.0.1 after a page at `http://evil.example:8081` has loaded. The
/// page's requests then reach a server on the visitor's machine, with equal `Host` and `Origin`. A
/// server that knows its own names rejects such requests.
///
/// The check matters for servers that trust every client that can reach them, on a loopback address
/// or in a private network. A server with a login is safe, because browsers do not send its cookies
/// to another name.
///
/// The default is [`any`](Self::any).
///
/// # Examples
///
/// ```
/// use tower_websocket::{AllowHost, Config};
///
/// # fn main() -> Result<(), tower_websocket::handshake::InvalidEntry> {
/// let hosts = AllowHost::list(["localhost", "127.0.0.1", "[::1]"])?;
/// let config = Config::new().allow_host(hosts);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct AllowHost(HostPolicy);

#[derive(Clone, Debug, Default)]
enum HostPolicy {
    #[default]
    Any,
    List(Arc<[HostPattern]>),
}

impl AllowHost {
    /// Allows any host.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{AllowHost, Config};
    ///
    /// let config = Config::new().allow_host(AllowHost::any());
    /// ```
    pub fn any() -> Self {
        Self(HostPolicy::Any)
    }

    /// Allows only the hosts of a list.
    ///
    /// An entry is a domain name in upper or lower case, an IPv4 address, or an IPv6 address in
    /// brackets, with an optional port.
    ///
    /// - `example.com` allows this host at any port, `example.com:8443` only at that port.
    /// - `*.example.com` allows every subdomain of `example.com`, but not `example.com` itself.
    /// - Non-ASCII domain names must be written in punycode, such as `xn--bcher-kva.example`.
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Errors
    ///
    /// Returns an [`InvalidEntry`] if an entry is not a host, or if no browser sends it in this
    /// form.
    pub fn list<H: AsRef<str>>(hosts: impl IntoIterator<Item = H>) -> Result<Self, InvalidEntry> {
        let parse = |host: H| {
            let host = host.as_ref();
            HostPattern::parse(host).map_err(|reason| InvalidEntry::new(host, "a host", reason))
        };
        let hosts: Result<_, _> = hosts.into_iter().map(parse).collect();
        Ok(Self(HostPolicy::List(hosts?)))
    }

    /// Checks the host of the request with the head `parts`.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), HandshakeError> {
        let HostPolicy::List(hosts) = &self.0 else { return Ok(()) };
        let default = parts.uri.scheme_str().and_then(authority::default_port);
        let is_allowed = authority::of(parts).is_some_and(|asked| {
            // Without a scheme, the default port can be that of either scheme.
            let defaults = default.map_or([Some(80), Some(443)], |port| [Some(port); 2]);
            hosts.iter().any(|host| defaults.iter().any(|default| host.allows_at_any_port(&asked, *default)))
        });
        if is_allowed {
            return Ok(());
        }
        Err(HandshakeError::ForbiddenHost(authority::value(parts)))
    }
}

#[cfg(test)]
mod tests;

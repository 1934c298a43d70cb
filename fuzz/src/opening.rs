//! Whether a request opens a WebSocket (RFC 6455 §4.2.1, RFC 8441 §5), as a list of the rules that
//! it violates.

use crate::lists::{extensions, members};

/// The contents of a request.
#[derive(Clone, Debug)]
pub struct Request {
    pub version: Version,
    pub method: String,
    /// Whether its target is a path or a URI, and not, for example, `*`.
    pub has_path: bool,
    /// The scheme and the authority of its URI, if any.
    pub scheme: Option<String>,
    pub authority: Option<String>,
    /// `:protocol`.
    pub protocol: Option<String>,
    /// Names are in lower case.
    pub lines: Vec<(String, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Http1,
    Http2,
    /// A version without upgrades, such as HTTP/1.0.
    Other,
}

/// The result of checking a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does not request a WebSocket.
    Ordinary,
    /// It requests a WebSocket. The violated rules have these status codes. It is unclear whether
    /// it violates the `unsure` ones.
    Asks { broken: Vec<u16>, unsure: Vec<u16> },
}

impl Request {
    pub fn lines<'a>(&'a self, name: &str) -> Vec<&'a [u8]> {
        self.lines.iter().filter(|(its, _)| its == name).map(|(_, value)| &value[..]).collect()
    }

    fn has_member(&self, name: &str, token: &str) -> bool {
        members(self.lines(name)).iter().any(|member| member.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Returns the verdict. `same_origin` is whether foreign origins are rejected.
    pub fn verdict(&self, same_origin: bool) -> Verdict {
        let asks = match self.version {
            Version::Http1 => {
                self.has_member("upgrade", "websocket") && self.has_member("connection", "upgrade")
            }
            Version::Http2 => {
                let protocol = self.protocol.as_ref();
                self.method == "CONNECT" && protocol.is_some_and(|its| its.eq_ignore_ascii_case("websocket"))
            }
            Version::Other => false,
        };
        if !asks {
            return Verdict::Ordinary;
        }
        let is_http1 = self.version == Version::Http1;
        let (mut broken, mut unsure) = (Vec::new(), Vec::new());
        if is_http1 && self.method != "GET" {
            broken.push(405);
        }
        if !self.has_path {
            broken.push(400);
        }
        if self.lines("sec-websocket-version") != [b"13"] {
            broken.push(if is_http1 { 426 } else { 400 });
        }
        if is_http1 {
            match self.lines("sec-websocket-key")[..] {
                [key] if is_key(key) => {}
                _ => broken.push(400),
            }
        }
        let authority = self.authority.as_ref().map(|authority| authority.as_bytes());
        if !self.lines("host").into_iter().chain(authority).all(is_host) {
            broken.push(400);
        }
        match (&self.authority, &self.lines("host")[..]) {
            (_, [_]) if is_http1 => {}
            (None, [_]) | (Some(_), []) if !is_http1 => {}
            (Some(authority), [host]) => match is_same(authority.as_bytes(), host, self.scheme.as_deref()) {
                Some(true) => {}
                Some(false) => broken.push(400),
                None => unsure.push(400),
            },
            _ => broken.push(400),
        }
        let lengths = self.lines("content-length");
        let has_body = match self.version {
            Version::Http1 => {
                !self.lines("transfer-encoding").is_empty() || lengths.iter().any(|length| *length != b"0")
            }
            _ => !lengths.is_empty(),
        };
        if has_body {
            broken.push(400);
        }
        if extensions(self.lines("sec-websocket-extensions")).is_none() {
            broken.push(400);
        }
        match &self.lines("origin")[..] {
            [] => {}
            [_] if !same_origin => {}
            [origin] => match self.is_same_origin(origin) {
                Some(true) => {}
                Some(false) => broken.push(403),
                None => unsure.push(403),
            },
            _ => broken.push(403),
        }
        Verdict::Asks { broken, unsure }
    }

    fn is_same_origin(&self, origin: &[u8]) -> Option<bool> {
        if origin == b"null" || origin.is_empty() {
            return Some(false);
        }
        let origin = std::str::from_utf8(origin).ok()?;
        let (scheme, authority) = origin.split_once("://")?;
        let own = match (&self.authority, &self.lines("host")[..]) {
            (Some(authority), _) => authority.as_bytes().to_vec(),
            (None, [host, ..]) => host.to_vec(),
            (None, []) => return Some(false),
        };
        let scheme = scheme.to_ascii_lowercase();
        let is_over_tls = self.scheme.as_ref().is_some_and(|own| own.eq_ignore_ascii_case("https"));
        if is_over_tls && ["http", "ws"].contains(&&*scheme) {
            return Some(false);
        }
        is_same(&own, authority.as_bytes(), Some(&scheme))
    }
}

/// Returns whether this is a host with an optional port (RFC 9112 §3.2, RFC 3986 §3.2.2): the host
/// is not empty, and the port is valid.
fn is_host(bytes: &[u8]) -> bool {
    let find = |byte| bytes.iter().position(|its| *its == byte);
    let is_literal = bytes.first() == Some(&b'[');
    let end = if is_literal { find(b']').map(|end| end + 1) } else { find(b':') };
    let (host, port) = bytes.split_at(end.unwrap_or(bytes.len()));
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => {
            let number = digits.iter().try_fold(0u32, |number, digit| match digit {
                b'0'..=b'9' => Some((number * 10 + u32::from(digit - b'0')).min(100_000)),
                _ => None,
            });
            number.is_some_and(|number| number < 0x1_0000)
        }
        _ => false,
    };
    let is_name = || {
        let mut rest = host.iter();
        while let Some(byte) = rest.next() {
            let is_valid = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => true,
                b'%' => {
                    [rest.next(), rest.next()].iter().all(|digit| digit.is_some_and(u8::is_ascii_hexdigit))
                }
                byte => b"-._~!$&'()*+,;=".contains(byte),
            };
            if !is_valid {
                return false;
            }
        }
        !host.is_empty()
    };
    let is_address = || {
        let address = host.strip_prefix(b"[").and_then(|address| address.strip_suffix(b"]"));
        let address = address.and_then(|address| std::str::from_utf8(address).ok());
        address.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
    };
    is_port && if is_literal { is_address() } else { is_name() }
}

/// Returns whether two authorities name the same host and port, or `None` if either is unusual.
fn is_same(one: &[u8], other: &[u8], scheme: Option<&str>) -> Option<bool> {
    let default = match scheme? {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        _ => return None,
    };
    Some(host_and_port(one, default)? == host_and_port(other, default)?)
}

fn host_and_port(authority: &[u8], default: u32) -> Option<(String, u32)> {
    let authority = std::str::from_utf8(authority).ok()?;
    let (host, port) = match authority.split_once(':') {
        Some((host, port))
            if (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            (host, port.parse().ok().filter(|port| (1..0x1_0000).contains(port))?)
        }
        Some(_) => return None,
        None => (authority, default),
    };
    let is_plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    (is_plain && !host.is_empty()).then(|| (host.to_ascii_lowercase(), port))
}

/// 16 bytes in base64. The last digit has four unused bits, which may have any value.
fn is_key(key: &[u8]) -> bool {
    let Some(digits) = key.strip_suffix(b"==") else { return false };
    digits.len() == 22
        && digits.iter().all(|d| matches!(d, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/'))
}

/// Returns the subprotocols that a request offers.
pub fn protocols(request: &Request) -> Vec<String> {
    members(request.lines("sec-websocket-protocol"))
        .into_iter()
        .filter_map(|member| String::from_utf8(member.to_vec()).ok())
        .collect()
}

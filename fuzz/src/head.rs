//! Heads of HTTP/1.1 messages (RFC 9112).

use crate::{
    lists::{is_token_char, trimmed},
    opening::{Request, Version},
};

/// The head of a request.
#[derive(Clone, Debug)]
pub struct Head {
    pub request: Request,
    /// Its length.
    pub len: usize,
    /// Whether it follows the grammar strictly, so that it must be accepted.
    pub is_strict: bool,
}

/// Returns the head at the start of `bytes`, as lenient parsers read it. Returns `None` if it is
/// incomplete or malformed.
pub fn request(bytes: &[u8]) -> Option<Head> {
    let mut at = 0;
    // Skips empty lines before it.
    while let Some(n) = empty_line(&bytes[at..]) {
        at += n;
    }
    let mut is_strict = at == 0;
    let mut next = || {
        let len = bytes[at..].iter().position(|byte| *byte == b'\n')?;
        let line = &bytes[at..at + len];
        at += len + 1;
        let (line, has_return) = line.strip_suffix(b"\r").map_or((line, false), |line| (line, true));
        is_strict &= has_return && !line.contains(&b'\r');
        Some(line)
    };
    let first = next()?;
    let mut lines = Vec::new();
    loop {
        let line = next()?;
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let parts: Vec<&[u8]> = first.split(|byte| *byte == b' ').filter(|part| !part.is_empty()).collect();
    let [method, target, version] = parts[..] else { return None };
    is_strict &= first.iter().filter(|byte| **byte == b' ').count() == 2;
    is_strict &= method.iter().all(|byte| is_token_char(*byte)) && method.len() < 20;
    is_strict &= target.starts_with(b"/") && !target.starts_with(b"//") && target.len() < 1000;
    is_strict &= target.iter().all(|b| b.is_ascii_alphanumeric() || b"/?=&.-_~".contains(b));
    is_strict &= lines.len() <= 100 && at <= 64 * 1024;
    let authority = std::str::from_utf8(target).ok().and_then(|target| target.split_once("://"));
    let (scheme, authority) = match authority {
        Some((scheme, rest)) if !target.starts_with(b"/") => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            (Some(scheme.to_ascii_lowercase()), Some(rest[..end].to_owned()))
        }
        _ => (None, None),
    };
    let mut request = Request {
        version: if version == b"HTTP/1.1" { Version::Http1 } else { Version::Other },
        method: String::from_utf8_lossy(method).into_owned(),
        has_path: target.starts_with(b"/") || authority.is_some(),
        scheme,
        authority,
        protocol: None,
        lines: Vec::new(),
    };
    is_strict &= matches!(version, b"HTTP/1.1" | b"HTTP/1.0");
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], trimmed(&line[colon + 1..]));
        is_strict &= !name.is_empty() && name.iter().all(|byte| is_token_char(*byte)) && name.len() < 1000;
        is_strict &= value.iter().all(|byte| *byte == b'\t' || *byte >= b' ' && *byte != 0x7f);
        request.lines.push((String::from_utf8_lossy(name).to_ascii_lowercase(), value.to_vec()));
    }
    Some(Head { request, len: at, is_strict })
}

fn empty_line(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'\r', b'\n', ..] => Some(2),
        [b'\n', ..] => Some(1),
        _ => None,
    }
}

/// The head of a response.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// Names are in lower case.
    pub lines: Vec<(String, Vec<u8>)>,
}

impl Response {
    /// Returns the only value of a header, or `None` if the header is missing.
    ///
    /// # Panics
    ///
    /// Panics if there is more than one.
    pub fn only(&self, name: &str) -> Option<&[u8]> {
        let mut lines = self.lines.iter().filter(|(its, _)| its == name);
        let first = lines.next().map(|(_, value)| &value[..]);
        assert!(lines.next().is_none(), "{name} is repeated: {self:?}");
        first
    }
}

/// Returns the head of a response at the start of `bytes`, and the bytes after it. Returns `None`
/// if it is incomplete.
///
/// # Panics
///
/// Panics if the head is malformed.
pub fn response(bytes: &[u8]) -> Option<(Response, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, rest) = (&bytes[..end], &bytes[end + 4..]);
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next().expect("there is a first line");
    let status = first.strip_prefix(b"HTTP/1.1 ").or(first.strip_prefix(b"HTTP/1.0 "));
    let status = status.expect("a response has a version");
    assert!(status.len() >= 4 && status[3] == b' ', "{}", first.escape_ascii());
    let status = std::str::from_utf8(&status[..3]).ok().and_then(|status| status.parse().ok());
    let status: u16 = status.expect("a response has a status");
    assert!((100..600).contains(&status));
    let lines = lines.map(|line| {
        let colon = line.iter().position(|byte| *byte == b':').expect("a header has a colon");
        assert!(colon > 0 && line[..colon].iter().all(|byte| is_token_char(*byte)));
        let value = trimmed(&line[colon + 1..]);
        assert!(value.iter().all(|byte| *byte == b'\t' || *byte >= b' ' && *byte != 0x7f));
        (String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase(), value.to_vec())
    });
    Some((Response { status, lines: lines.collect() }, rest))
}

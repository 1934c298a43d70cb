//! Extension lists (RFC 6455 §9.1), from all lines of a repeated header.

use std::{borrow::Cow, iter};

use http::{HeaderMap, header::SEC_WEBSOCKET_EXTENSIONS};

use super::tokens::is_token_char;

/// One member of a `Sec-WebSocket-Extensions` list.
#[cfg_attr(not(feature = "deflate"), expect(dead_code, reason = "no extension is compiled in"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extension<'a> {
    pub(crate) name: &'a str,
    /// The rest of the line, which begins with the parameters. They are valid.
    params: Rest<'a>,
}

/// A parameter with its value. Quotes around a value are removed.
type Param<'a> = (&'a str, Option<Cow<'a, str>>);

/// A member of a list that has invalid syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidSyntax;

#[cfg(feature = "deflate")]
impl<'a> Extension<'a> {
    /// Returns the parameters in order.
    pub(crate) fn params(&self) -> impl Iterator<Item = Param<'a>> + use<'a> {
        let mut rest = self.params;
        iter::from_fn(move || rest.param()?.ok())
    }
}

/// Returns the members of the list in order, from all lines. Empty members are skipped. A line is
/// not parsed further than to a member with invalid syntax.
pub(crate) fn extensions(headers: &HeaderMap) -> impl Iterator<Item = Result<Extension<'_>, InvalidSyntax>> {
    headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().flat_map(|line| {
        let mut rest = Rest(line.as_bytes());
        iter::from_fn(move || {
            while rest.take(b',') {}
            if rest.0.is_empty() {
                return None;
            }
            let member = rest.extension();
            if member.is_err() {
                rest = Rest(b"");
            }
            Some(member)
        })
    })
}

/// The part of a line that is not parsed yet.
#[derive(Clone, Copy, Debug)]
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn extension(&mut self) -> Result<Extension<'a>, InvalidSyntax> {
        let name = self.token()?;
        let params = *self;
        while self.param().transpose()?.is_some() {}
        if self.0.is_empty() || self.take(b',') { Ok(Extension { name, params }) } else { Err(InvalidSyntax) }
    }

    /// Parses a parameter, if one follows.
    fn param(&mut self) -> Option<Result<Param<'a>, InvalidSyntax>> {
        self.take(b';').then(|| {
            let name = self.token()?;
            let value = if self.take(b'=') { Some(self.value()?) } else { None };
            Ok((name, value))
        })
    }

    /// Parses a token, or a quoted string that is a token without its quotes and escapes.
    fn value(&mut self) -> Result<Cow<'a, str>, InvalidSyntax> {
        if !self.take(b'"') {
            return self.token().map(Cow::Borrowed);
        }
        let (mut value, mut bytes) = (String::new(), self.0.iter());
        loop {
            let byte = match bytes.next().ok_or(InvalidSyntax)? {
                b'"' if !value.is_empty() => break,
                b'\\' => bytes.next().ok_or(InvalidSyntax)?,
                byte => byte,
            };
            if !is_token_char(*byte) {
                return Err(InvalidSyntax);
            }
            value.push(char::from(*byte));
        }
        self.0 = bytes.as_slice();
        self.skip_space();
        Ok(Cow::Owned(value))
    }

    fn token(&mut self) -> Result<&'a str, InvalidSyntax> {
        self.skip_space();
        let len = self.0.iter().take_while(|byte| is_token_char(**byte)).count();
        let (token, rest) = self.0.split_at(len);
        self.0 = rest;
        self.skip_space();
        std::str::from_utf8(token).ok().filter(|token| !token.is_empty()).ok_or(InvalidSyntax)
    }

    /// Skips `byte` and spaces around it, if it follows.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let Some(rest) = self.0.strip_prefix(&[byte]) else { return false };
        self.0 = rest;
        true
    }

    fn skip_space(&mut self) {
        self.0 = self.0.trim_ascii_start();
    }
}

#[cfg(all(test, feature = "deflate"))]
mod tests;

//! The grammar of list-valued headers, character by character (RFC 9110 §5.6.1, RFC 6455 §9.1).

/// Returns the non-empty members of a comma-separated list over all of its lines, trimmed.
pub fn members<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
    let mut members = Vec::new();
    for line in lines {
        let mut start = 0;
        for end in 0..=line.len() {
            if end == line.len() || line[end] == b',' {
                let member = trimmed(&line[start..end]);
                if !member.is_empty() {
                    members.push(member);
                }
                start = end + 1;
            }
        }
    }
    members
}

pub fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// A member of an extension list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    pub name: String,
    pub params: Vec<(String, Option<String>)>,
}

/// Returns the members of an extension list over all of its lines, or `None` if one of them has
/// invalid syntax.
pub fn extensions<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<Extension>> {
    let mut extensions = Vec::new();
    for line in lines {
        let mut cursor = Cursor { bytes: line, at: 0 };
        while cursor.at < line.len() {
            cursor.blanks();
            if !cursor.eat(b',') && cursor.at < line.len() {
                extensions.push(cursor.extension()?);
            }
        }
    }
    Some(extensions)
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    /// Parses up to a comma or the end.
    fn extension(&mut self) -> Option<Extension> {
        let name = self.token()?;
        let mut params = Vec::new();
        self.blanks();
        while self.eat(b';') {
            self.blanks();
            let name = self.token()?;
            self.blanks();
            let mut value = None;
            if self.eat(b'=') {
                self.blanks();
                value = Some(if self.eat(b'"') { self.quoted()? } else { self.token()? });
                self.blanks();
            }
            params.push((name, value));
        }
        matches!(self.peek(), None | Some(b',')).then_some(Extension { name, params })
    }

    fn token(&mut self) -> Option<String> {
        let start = self.at;
        while self.peek().is_some_and(is_token_char) {
            self.at += 1;
        }
        let token = &self.bytes[start..self.at];
        (!token.is_empty()).then(|| String::from_utf8_lossy(token).into_owned())
    }

    /// Parses the rest of a quoted string, which must be a token (RFC 6455 §9.1).
    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        loop {
            let mut byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return (!value.is_empty()).then_some(value),
                b'\\' => {
                    byte = self.peek()?;
                    self.at += 1;
                }
                _ => {}
            }
            if !is_token_char(byte) {
                return None;
            }
            value.push(char::from(byte));
        }
    }
}

pub fn is_token_char(byte: u8) -> bool {
    matches!(byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z')
}

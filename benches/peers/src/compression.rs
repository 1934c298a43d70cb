//! The use of permessage-deflate (RFC 7692) on both sides.

use std::{fmt, str::FromStr};

/// How a server compresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Compression {
    pub(crate) level: u8,
    pub(crate) takeover: Takeover,
}

/// The sides that compress each message with the previous ones as context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Takeover {
    Nobody,
    /// The client may do so. The server does not.
    Client,
    Both,
}

impl Compression {
    /// Returns the extension that the client offers and the server has to agree on.
    pub(crate) fn extension(self) -> &'static str {
        match self.takeover {
            Takeover::Nobody => "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            Takeover::Client | Takeover::Both => "permessage-deflate",
        }
    }
}

/// Writes the form of the command line: `6`, `6-` with context takeover of the client, and `6+`
/// with that of both.
impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let takeover = match self.takeover {
            Takeover::Nobody => "",
            Takeover::Client => "-",
            Takeover::Both => "+",
        };
        write!(f, "{}{takeover}", self.level)
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (level, takeover) = if let Some(level) = text.strip_suffix('+') {
            (level, Takeover::Both)
        } else if let Some(level) = text.strip_suffix('-') {
            (level, Takeover::Client)
        } else {
            (text, Takeover::Nobody)
        };
        let level = level.parse().map_err(|_| format!("{text} is not a way to compress"))?;
        Ok(Self { level, takeover })
    }
}

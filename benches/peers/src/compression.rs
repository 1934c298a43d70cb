//! permessage-deflate (RFC 7692), as both sides are told to use it.

use std::{fmt, str::FromStr};

/// How a server compresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Compression {
    pub(crate) level: u8,
    /// Whether each message is compressed with those before it in view.
    pub(crate) takeover: bool,
}

impl Compression {
    /// What the client offers and the server has to agree on.
    pub(crate) fn extension(self) -> &'static str {
        if self.takeover {
            "permessage-deflate"
        } else {
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        }
    }
}

/// As on the command line: `6`, and with context takeover `6+`.
impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.level, if self.takeover { "+" } else { "" })
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (level, takeover) = text.strip_suffix('+').map_or((text, false), |level| (level, true));
        let level = level.parse().map_err(|_| format!("{text} is no way to compress"))?;
        Ok(Self { level, takeover })
    }
}

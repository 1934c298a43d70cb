//! The server's report about a finished connection, as one line.

/// The server's report about a finished connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) id: u64,
    /// How many messages were received whole and in order.
    pub(crate) up: u64,
    /// How many messages were sent, according to `send`.
    pub(crate) down: u64,
    /// The connection's close code, or 0 if the handler did not wait for it.
    pub(crate) code: u16,
    pub(crate) how: How,
    /// The error in a message, if any.
    pub(crate) fault: Option<String>,
}

/// How a handler ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It received until the end.
    Received,
    /// It closed the socket itself.
    Closed,
    Returned,
    Panicked,
    /// It was dropped.
    Dropped,
}

const HOWS: [(How, &str); 5] = [
    (How::Received, "received"),
    (How::Closed, "closed"),
    (How::Returned, "returned"),
    (How::Panicked, "panicked"),
    (How::Dropped, "dropped"),
];

impl Record {
    pub(crate) fn to_line(&self) -> String {
        let Self { id, up, down, code, how, fault } = self;
        let how = HOWS.iter().find(|(known, _)| known == how).map_or("", |(_, word)| word);
        format!("{id} {up} {down} {code} {how} {}", fault.as_deref().unwrap_or("-"))
    }

    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let mut words = line.splitn(6, ' ');
        let mut word = || words.next();
        Some(Self {
            id: word()?.parse().ok()?,
            up: word()?.parse().ok()?,
            down: word()?.parse().ok()?,
            code: word()?.parse().ok()?,
            how: word().and_then(|word| HOWS.iter().find(|(_, known)| *known == word))?.0,
            fault: Some(word()?).filter(|fault| *fault != "-").map(str::to_owned),
        })
    }
}

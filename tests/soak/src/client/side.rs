//! A client's report about a finished connection.

/// A client's report about a finished connection.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) id: u64,
    /// The client's behavior.
    pub(crate) plan: &'static str,
    /// How many messages it sent. The last one may be partial.
    pub(crate) up: u64,
    /// How many messages it received whole and in order.
    pub(crate) down: u64,
    pub(crate) rule: Rule,
}

/// Which messages must have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Everything sent in both directions, and the connection's close code.
    Exact(u16),
    /// Everything sent in both directions.
    All,
    /// Everything that the client sent, and a prefix of the server's messages.
    Up,
    /// A prefix of the messages in both directions.
    Prefix,
    /// The same, if the connection was opened at all.
    Perhaps,
}

//! What a client says of a connection that is over.

/// What a client says of a connection that is over.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) id: u64,
    /// What the client did.
    pub(crate) plan: &'static str,
    /// How many messages it sent, the last one perhaps in part only.
    pub(crate) up: u64,
    /// How many it got, whole and in turn.
    pub(crate) down: u64,
    pub(crate) rule: Rule,
}

/// What has to have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// All that was sent, both ways; and the connection's close code.
    Exact(u16),
    /// All that was sent, both ways.
    All,
    /// All that the client sent, and of what the server sent the beginning.
    Up,
    /// The beginning of what was sent, both ways.
    Prefix,
    /// The same, if the connection opened at all.
    Perhaps,
}

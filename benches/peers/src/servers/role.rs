//! The purpose of a connection.

/// The purpose of a connection, which the path of its request names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// `/echo`: it gets its messages back.
    Echo,
    /// `/sink`: its messages are read and dropped.
    Sink,
    /// `/pub/N`: its messages go to the first N topics in turn.
    Publish(usize),
    /// `/sub/N`: it gets the messages of topic N.
    Subscribe(usize),
}

impl Role {
    pub(super) fn of(path: &str) -> Self {
        let number = |prefix| path.strip_prefix(prefix)?.parse().ok();
        match (number("/pub/"), number("/sub/")) {
            (Some(topics), _) => Self::Publish(topics),
            (None, Some(topic)) => Self::Subscribe(topic),
            (None, None) if path == "/sink" => Self::Sink,
            (None, None) => Self::Echo,
        }
    }
}

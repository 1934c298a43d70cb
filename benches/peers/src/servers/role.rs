//! What a connection is for.

/// What a connection is for, as its path says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// `/echo`
    Echo,
    /// `/pub/N`: what it sends goes to each of so many topics in turn.
    Publish(usize),
    /// `/sub/N`: it gets what goes to the topic of that number.
    Subscribe(usize),
}

impl Role {
    pub(super) fn of(path: &str) -> Self {
        let number = |prefix| path.strip_prefix(prefix)?.parse().ok();
        match (number("/pub/"), number("/sub/")) {
            (Some(topics), _) => Self::Publish(topics),
            (None, Some(topic)) => Self::Subscribe(topic),
            (None, None) => Self::Echo,
        }
    }
}

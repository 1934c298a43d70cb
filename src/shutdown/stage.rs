//! The stages of a shutdown.

/// The stage of a shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    Running,
    /// Open sockets send Close 1001, each at its own time.
    Spreading,
    /// Open sockets send Close 1001.
    Draining,
    /// Open sockets are dropped.
    Dropping,
}

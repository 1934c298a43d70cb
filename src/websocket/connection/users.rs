//! The users of a connection: its drivers, its reader and its senders.

use tokio::runtime;

/// The users of a connection.
#[derive(Debug)]
pub(super) struct Users {
    /// The number of drivers. A socket with a driver may get another one.
    pub(super) drivers: u32,
    /// The runtime of the driver.
    pub(super) home: Option<runtime::Handle>,
    /// Whether a task of that runtime is about to write.
    pub(super) is_delivering: bool,
    /// Whether a task is setting the alarm.
    pub(super) is_setting_alarm: bool,
    pub(super) senders: u32,
    /// Whether there is a handle that receives.
    pub(super) has_reader: bool,
    pub(super) reading: Reading,
    /// Whether further messages are discarded, as by [`close`](crate::WebSocket::close).
    pub(super) is_discarding: bool,
    /// Whether the closing handshake began because the application dropped a handle.
    pub(super) is_closed_by_drop: bool,
    /// Whether a shutdown has dropped the connection.
    pub(super) is_dropped: bool,
}

/// How far the application is with what it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// It has not asked for a message yet.
    NotBegun,
    /// It has asked for one when there was none.
    Asked,
    /// It has taken one, and has not asked for the next one since: it may be answering.
    Answering,
}

impl Users {
    pub(super) fn new() -> Self {
        Self {
            drivers: 0,
            home: None,
            is_delivering: false,
            is_setting_alarm: false,
            senders: 0,
            has_reader: true,
            reading: Reading::NotBegun,
            is_discarding: false,
            is_closed_by_drop: false,
            is_dropped: false,
        }
    }

    /// Returns `true` if received messages are discarded.
    pub(super) fn discards(&self) -> bool {
        !self.has_reader || self.is_discarding
    }
}

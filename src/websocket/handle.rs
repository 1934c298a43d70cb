//! The one who receives.

use std::{ops::Deref, sync::Arc};

use super::shared::{Act, Shared};
use crate::close::CloseCode;

/// The one who receives: while it is there, the connection is open.
pub(super) struct Handle<IO>(Arc<Shared<IO>>);

impl<IO> Handle<IO> {
    pub(super) fn new(shared: Arc<Shared<IO>>) -> Self {
        Self(shared)
    }

    pub(super) fn shared(&self) -> &Arc<Shared<IO>> {
        &self.0
    }
}

impl<IO> Deref for Handle<IO> {
    type Target = Shared<IO>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<IO> Drop for Handle<IO> {
    fn drop(&mut self) {
        self.0.act(Act::EndReading(code_of_drop()));
    }
}

/// What the peer is told when a handle is dropped: a panic on its way up is an error.
pub(super) fn code_of_drop() -> CloseCode {
    if std::thread::panicking() { CloseCode::INTERNAL_ERROR } else { CloseCode::NORMAL }
}

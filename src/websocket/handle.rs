//! The handle that receives.

use std::{ops::Deref, sync::Arc};

use super::shared::{Act, Shared};
use crate::close::CloseCode;

/// The handle that receives. Dropping it closes the connection.
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

/// Returns the close code for a dropped handle: an error if a panic drops it.
pub(super) fn code_of_drop() -> CloseCode {
    if std::thread::panicking() { CloseCode::INTERNAL_ERROR } else { CloseCode::NORMAL }
}

//! Encoded frames.

use std::{ops::Deref, sync::Arc};

use tungstenite::Message;

use super::{
    frame::{single_frame, write_frame},
    write_buffer,
};

/// The largest payload in bytes that is copied behind other frames. Above this size, writing an
/// additional slice costs less than the copy.
pub(super) const COPY_MAX: usize = 16 * 1024;

/// Encoded frames, or one frame that connections share.
#[derive(Debug)]
pub(super) enum Framed {
    Own(Vec<u8>),
    Shared(Arc<[u8]>),
}

impl Framed {
    /// Returns a buffer to append to. A shared frame is copied to it.
    pub(super) fn open(&mut self) -> &mut Vec<u8> {
        if !matches!(self, Self::Own(own) if own.capacity() > 0) {
            let mut own = write_buffer::take();
            own.extend_from_slice(self);
            *self = Self::Own(own);
        }
        let Self::Own(own) = self else { unreachable!("it is copied above") };
        own
    }
}

/// Returns the frame of a text or binary message for all servers, unless it is large.
pub(crate) fn shared_frame(message: &Message) -> Option<Arc<[u8]>> {
    let (first, payload) = single_frame(message).filter(|(_, payload)| payload.len() <= COPY_MAX)?;
    let mut frame = Vec::new();
    write_frame(&mut frame, first, payload, None);
    Some(frame.into())
}

impl Default for Framed {
    fn default() -> Self {
        Self::Own(Vec::new())
    }
}

impl Deref for Framed {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Own(own) => own,
            Self::Shared(shared) => shared,
        }
    }
}

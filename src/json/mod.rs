//! Values as JSON, in text messages.

mod error;
mod halves;
mod message;
mod socket;

pub use error::{RecvJsonError, SendJsonError};

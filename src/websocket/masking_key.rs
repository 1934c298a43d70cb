//! Masking keys (RFC 6455 §5.3).

use crate::codec::Key;

/// Returns a key that nobody can predict from others (RFC 6455 §10.3): of the thread's generator,
/// whose seed is the system's.
pub(super) fn random_key() -> Key {
    rand::random()
}

//! Masking keys (RFC 6455 §5.3).

use crate::codec::Key;

/// Returns a key that cannot be predicted from earlier keys (RFC 6455 §10.3). The thread's
/// generator makes it, which the system seeds.
pub(super) fn random_key() -> Key {
    rand::random()
}

//! What one handshake, message or delivery costs.

/// Of one handshake, message or delivery, on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    /// `None` where there is no valgrind to count them.
    pub(crate) instructions: Option<f64>,
    pub(crate) allocations: f64,
    /// Bytes in those allocations.
    pub(crate) bytes: f64,
}

//! The cost of one handshake, message or delivery.

/// The average cost of one handshake, message or delivery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    /// `None` if valgrind is not installed.
    pub(crate) instructions: Option<f64>,
    pub(crate) allocations: f64,
    /// The bytes of those allocations.
    pub(crate) bytes: f64,
}

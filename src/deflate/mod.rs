//! permessage-deflate (RFC 7692) with the feature `deflate`, and a stand-in without it.

#[cfg(not(feature = "deflate"))]
mod disabled;
#[cfg(feature = "deflate")]
mod enabled;

#[cfg(not(feature = "deflate"))]
pub(crate) use disabled::{
    Deflater, Inflater, NegotiatedDeflate, Offers, OwnOffer, Settings, Standalone, is_bad_data,
};
#[cfg(feature = "deflate")]
pub use enabled::Deflate;
#[cfg(feature = "deflate")]
pub(crate) use enabled::{
    Deflater, Inflater, NegotiatedDeflate, Offers, OwnOffer, Settings, Standalone, is_bad_data,
};

//! permessage-deflate: negotiation, compression and inflating.

mod bad_data;
mod compress;
mod deflater;
mod history;
mod inflater;
mod negotiated;
mod offers;
mod own_offer;
mod params;
mod payload;
mod pool;
mod settings;
mod standalone;

pub use settings::Deflate;

pub(crate) use bad_data::is_bad_data;
pub(crate) use deflater::Deflater;
pub(crate) use inflater::Inflater;
pub(crate) use negotiated::NegotiatedDeflate;
pub(crate) use offers::Offers;
pub(crate) use own_offer::OwnOffer;
pub(crate) use settings::Settings;
pub(crate) use standalone::Standalone;

//! permessage-deflate: the negotiation, the way in and the way out.

mod agreed;
mod bad_data;
mod compress;
mod deflater;
mod history;
mod inflater;
mod offers;
mod params;
mod pool;
mod settings;

pub use settings::Deflate;

pub(crate) use agreed::Agreed;
pub(crate) use bad_data::is_bad_data;
pub(crate) use deflater::Deflater;
pub(crate) use inflater::Inflater;
pub(crate) use offers::Offers;
pub(crate) use settings::Settings;

//! Binary messages as a stream of bytes.

mod io_error;
mod reader;
mod stream;
mod writer;

pub use reader::ByteReader;
pub use stream::ByteStream;
pub use writer::ByteWriter;

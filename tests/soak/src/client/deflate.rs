//! The client's side of permessage-deflate (RFC 7692).

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use super::opening::Form;

/// The end of every flushed block.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The largest message that the server makes, in bytes.
const MAX: usize = 1 << 20;

/// The compressor and the inflater. They keep their window with context takeover, and are made anew
/// for each message without it.
#[derive(Debug, Default)]
pub(crate) struct Deflate(Option<(Compress, Decompress)>);

fn make() -> (Compress, Decompress) {
    (Compress::new(Compression::new(3), false), Decompress::new(false))
}

impl Deflate {
    pub(crate) fn new(form: Form) -> Self {
        Self((form == Form::Takeover).then(make))
    }

    pub(crate) fn compress(&mut self, message: &[u8]) -> Vec<u8> {
        let mut once = None;
        let (compress, _) = self.0.as_mut().unwrap_or_else(|| once.insert(make()));
        let mut output = Vec::with_capacity(message.len() + message.len() / 8 + 1024);
        compress.compress_vec(message, &mut output, FlushCompress::Sync).expect("there is room");
        let len = output.strip_suffix(&TAIL).expect("it is flushed").len();
        output.truncate(len);
        output
    }

    pub(crate) fn inflate(&mut self, payload: &[u8]) -> Result<Vec<u8>, String> {
        let mut once = None;
        let (_, decompress) = self.0.as_mut().unwrap_or_else(|| once.insert(make()));
        let input = [payload, &TAIL].concat();
        let (mut output, mut done) = (Vec::new(), 0);
        loop {
            output.reserve(4 * payload.len() + 1024);
            let before = decompress.total_in();
            decompress
                .decompress_vec(&input[done..], &mut output, FlushDecompress::Sync)
                .map_err(|error| error.to_string())?;
            done += (decompress.total_in() - before) as usize;
            if output.len() < output.capacity() {
                return if done == input.len() {
                    Ok(output)
                } else {
                    Err("a deflate stream's end".to_owned())
                };
            }
            if output.len() > MAX {
                return Err("a message that is too large".to_owned());
            }
        }
    }
}

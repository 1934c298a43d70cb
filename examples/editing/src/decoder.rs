//! A decoder of updates that limits how deeply values are nested. `yrs` alone has no limit, and a
//! message with thousands of nested arrays would overflow the stack, which ends the process.

use std::sync::Arc;

use yrs::{
    Any, ClientID, ID,
    encoding::read::{Error, Read},
    updates::decoder::{Decoder, DecoderV1},
};

/// The largest depth of a value. JSON in updates has the same limit.
const MAX_DEPTH: usize = 128;

/// The first bytes of nested values.
const MAP: u8 = 118;
const ARRAY: u8 = 117;

pub(crate) struct ShallowDecoder<'a>(DecoderV1<'a>);

impl<'a> ShallowDecoder<'a> {
    pub(crate) fn new(update: &'a [u8]) -> Self {
        Self(DecoderV1::from(update))
    }

    fn read_nested(&mut self, depth: usize) -> Result<Any, Error> {
        // Despite its name, `read_to_end` reads ahead only.
        match self.0.read_to_end()?.first() {
            Some(&(MAP | ARRAY)) if depth == MAX_DEPTH => Err(Error::UnexpectedValue),
            Some(&kind @ (MAP | ARRAY)) => {
                self.read_u8()?;
                let values = 0..self.read_var::<u64>()?;
                if kind == ARRAY {
                    let values = values.map(|_| self.read_nested(depth + 1));
                    return values.collect::<Result<_, _>>().map(Any::Array);
                }
                let values = values.map(|_| Ok((self.read_string()?.into(), self.read_nested(depth + 1)?)));
                values.collect::<Result<_, Error>>().map(|map| Any::Map(Arc::new(map)))
            }
            _ => self.0.read_any(),
        }
    }
}

impl Decoder for ShallowDecoder<'_> {
    fn read_any(&mut self) -> Result<Any, Error> {
        self.read_nested(0)
    }

    fn reset_ds_cur_val(&mut self) {
        self.0.reset_ds_cur_val();
    }

    fn read_ds_clock(&mut self) -> Result<u32, Error> {
        self.0.read_ds_clock()
    }

    fn read_ds_len(&mut self) -> Result<u32, Error> {
        self.0.read_ds_len()
    }

    fn read_left_id(&mut self) -> Result<ID, Error> {
        self.0.read_left_id()
    }

    fn read_right_id(&mut self) -> Result<ID, Error> {
        self.0.read_right_id()
    }

    fn read_client(&mut self) -> Result<ClientID, Error> {
        self.0.read_client()
    }

    fn read_info(&mut self) -> Result<u8, Error> {
        self.0.read_info()
    }

    fn read_parent_info(&mut self) -> Result<bool, Error> {
        self.0.read_parent_info()
    }

    fn read_type_ref(&mut self) -> Result<u8, Error> {
        self.0.read_type_ref()
    }

    fn read_len(&mut self) -> Result<u32, Error> {
        self.0.read_len()
    }

    fn read_json(&mut self) -> Result<Any, Error> {
        self.0.read_json()
    }

    fn read_key(&mut self) -> Result<Arc<str>, Error> {
        self.0.read_key()
    }

    fn read_to_end(&mut self) -> Result<&[u8], Error> {
        self.0.read_to_end()
    }
}

impl Read for ShallowDecoder<'_> {
    fn read_u8(&mut self) -> Result<u8, Error> {
        self.0.read_u8()
    }

    fn read_exact(&mut self, len: usize) -> Result<&[u8], Error> {
        self.0.read_exact(len)
    }
}

#[cfg(test)]
mod tests {
    use yrs::{Any, Array, Doc, Out, ReadTxn, StateVector, Transact, Update, updates::decoder::Decode};

    use super::{ARRAY, MAP, MAX_DEPTH, ShallowDecoder};

    /// Returns an update that appends a value to the array `a`.
    fn update(value: &[u8]) -> Vec<u8> {
        let (clients, blocks, client, clock, any, root, count) = (1, 1, 1, 0, 8, 1, 1);
        let head = [clients, blocks, client, clock, any, root, 1, b'a', count];
        let no_deletions = 0;
        [&head[..], value, &[no_deletions]].concat()
    }

    fn decode(value: &[u8]) -> Option<Any> {
        let update = Update::decode(&mut ShallowDecoder::new(&update(value))).ok()?;
        let doc = Doc::new();
        let array = doc.get_or_insert_array("a");
        doc.transact_mut().apply_update(update).unwrap();
        match array.get(&doc.transact(), 0).unwrap() {
            Out::Any(any) => Some(any),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_survive() {
        let json = r#"{"a":[1,"two",[],{},null,true],"b":{"c":[[2.5]]}}"#;
        let doc = Doc::new();
        let array = doc.get_or_insert_array("a");
        array.push_back(&mut doc.transact_mut(), Any::from_json(json).unwrap());
        let bytes = doc.transact().encode_state_as_update_v1(&StateVector::default());
        let ours = Update::decode(&mut ShallowDecoder::new(&bytes)).unwrap();
        assert_eq!(ours, Update::decode_v1(&bytes).unwrap());
    }

    #[test]
    fn depth_is_limited() {
        let null = [126];
        for level in [&[ARRAY, 1][..], &[MAP, 1, 1, b'k']] {
            assert!(decode(&[&level.repeat(MAX_DEPTH)[..], &null].concat()).is_some());
            assert!(decode(&[&level.repeat(MAX_DEPTH + 1)[..], &null].concat()).is_none());
            assert!(decode(&level.repeat(100_000)).is_none());
        }
    }

    #[test]
    fn count_does_not_reserve_memory() {
        assert!(decode(&[MAP, 0xff, 0xff, 0xff, 0xff, 0xf]).is_none());
        assert!(decode(&[ARRAY, 0xff, 0xff, 0xff, 0xff, 0xf]).is_none());
    }
}

use proptest::{collection::vec, prelude::*};

use super::Mask;
use crate::header::arbitrary::config;

#[test]
fn example_of_rfc_6455_is_unmasked() {
    // §5.7: a masked text message.
    let mut payload = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
    Mask::new([0x37, 0xfa, 0x21, 0x3d]).apply(&mut payload);
    assert_eq!(payload, *b"Hello");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn payload_may_be_cut_anywhere(key: [u8; 4], pieces in vec(vec(any::<u8>(), 0..80), 0..6)) {
        let whole = pieces.concat();
        let expected: Vec<_> = whole.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        let mut mask = Mask::new(key);
        let mut applied = Vec::new();
        for mut piece in pieces {
            mask.apply(&mut piece);
            applied.extend(piece);
        }
        prop_assert_eq!(applied, expected);
    }
}

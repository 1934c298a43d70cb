use proptest::{collection::vec, prelude::*};

use super::History;
use crate::header::arbitrary::config;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn history_is_the_last_window_of_the_data(pieces in vec(vec(any::<u8>(), 0..600), 0..12)) {
        let mut history = History::new(9);
        let mut all = Vec::new();
        for piece in pieces {
            history.push(&piece);
            all.extend(piece);
            let (newer, older) = history.bytes.split_at(history.oldest);
            prop_assert_eq!([older, newer].concat(), &all[all.len().saturating_sub(512)..]);
            prop_assert!(history.bytes.capacity() <= (all.len() + all.len() / 4).min(512));
        }
    }
}

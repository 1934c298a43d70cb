use proptest::{collection::vec, prelude::*};

use super::{List, WIDTH};
use crate::header::arbitrary::config;

fn values<T: Clone>(list: &List<T>) -> Vec<T> {
    let mut values = Vec::new();
    list.for_each(|value| values.push(value.clone()));
    assert_eq!(values.len(), list.len());
    values
}

/// Steps that each push a number of values, remove values at given positions, and keep a clone.
fn steps() -> impl Strategy<Value = Vec<(usize, Vec<usize>)>> {
    vec((0..3 * WIDTH, vec(any::<usize>(), 0..3 * WIDTH)), 1..8)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn list_behaves_like_a_vector_and_clones_do_not_change(steps in steps()) {
        let (mut list, mut model, mut clones) = (List::default(), Vec::new(), Vec::new());
        let mut next = 0;
        for (pushes, removals) in steps {
            for _ in 0..pushes {
                list.push(next);
                model.push(next);
                next += 1;
            }
            clones.push((list.clone(), model.clone()));
            for at in removals {
                if !model.is_empty() {
                    let at = at % model.len();
                    prop_assert_eq!(list.get(at), Some(&model[at]));
                    prop_assert_eq!(list.swap_remove(at), model.swap_remove(at));
                }
            }
            prop_assert_eq!(list.get(model.len()), None);
            clones.push((list.clone(), model.clone()));
        }
        for (list, model) in clones {
            prop_assert_eq!(values(&list), model);
        }
    }
}

#[test]
fn long_list_grows_and_shrinks_by_levels() {
    let len = WIDTH * WIDTH * WIDTH + 1;
    let mut list = List::default();
    for value in 0..len {
        list.push(value);
    }
    assert_eq!((list.height, values(&list)), (3, (0..len).collect()));
    for value in (0..len).rev() {
        assert_eq!(list.swap_remove(value), value);
    }
    assert_eq!((list.height, values(&list)), (0, Vec::new()));
}

#[test]
fn change_copies_few_values_of_a_long_list() {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    static CLONES: AtomicUsize = AtomicUsize::new(0);
    struct Counted;
    impl Clone for Counted {
        fn clone(&self) -> Self {
            CLONES.fetch_add(1, Relaxed);
            Self
        }
    }

    let mut list = List::default();
    for _ in 0..10_000 {
        list.push(Counted);
    }
    assert_eq!(CLONES.load(Relaxed), 0);
    let clone = list.clone();
    list.swap_remove(5000);
    list.push(Counted);
    assert!(CLONES.load(Relaxed) <= 2 * WIDTH);
    assert_eq!((clone.len(), list.len()), (10_000, 10_000));
}

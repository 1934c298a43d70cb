use super::{Assembler, FIRST, MessageKind, Outlook, grown};

#[test]
fn capacity_grows_with_the_received_data() {
    let last = |announced| Outlook { announced, max: announced };
    let fragment = |announced| Outlook { announced, max: 1 << 20 };
    for (capacity, needed, outlook, expected) in [
        // A small part of a large message has arrived.
        (0, 1, last(1 << 20), FIRST),
        (0, 100, last(200), 200),
        (0, 60_000, last(1 << 20), 60_000),
        // The capacity grows fourfold, up to the announced size.
        (60_000, 60_001, last(1 << 20), 240_000),
        (600_000, 600_001, last(1_000_000), 1_000_000),
        // Fragments do not announce the size of the message.
        (0, 1, fragment(1), 1),
        (1000, 1001, fragment(1001), 2000),
        (600_000, 600_001, fragment(600_001), 1 << 20),
        // There is enough capacity.
        (1000, 1000, fragment(1000), 1000),
    ] {
        assert_eq!(grown(capacity, needed, outlook), expected, "{needed} in {capacity}, {outlook:?}");
    }
}

#[test]
fn one_byte_fragments_take_linear_time() {
    for kind in [MessageKind::Text, MessageKind::Binary] {
        let mut assembler = Assembler::new(kind);
        let (mut copied, mut capacity) = (0, 0);
        let len = if cfg!(miri) { 1000 } else { 100_000 };
        for announced in 1..=len {
            assembler.push(b"x", Outlook { announced, max: 1 << 20 }).unwrap();
            if assembler.capacity() != capacity {
                capacity = assembler.capacity();
                copied += assembler.len();
            }
        }
        assert!(copied <= 2 * len && capacity <= 2 * len);
        assert_eq!(assembler.finish().unwrap().len(), len);
    }
}

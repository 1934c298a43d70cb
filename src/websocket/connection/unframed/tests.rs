use super::{MAX, Unframed};

#[test]
#[cfg_attr(miri, ignore = "millions of steps")]
fn bytes_fill_a_frame_and_no_more() {
    for (max_frame_size, max) in [(None, MAX), (Some(1 << 20), MAX), (Some(1000), 1000), (Some(1), 1)] {
        for piece in [1, 7, 1000, 8192, MAX, 3 * MAX] {
            let mut unframed = Unframed::new(max_frame_size);
            let source: Vec<_> = (0..3 * MAX).map(|n| n as u8).collect();
            let mut left = Vec::new();
            for mut bytes in source.chunks(piece) {
                while !bytes.is_empty() {
                    bytes = unframed.push(bytes);
                    assert!(unframed.len() <= max && (bytes.is_empty() || unframed.is_full()));
                    if unframed.is_full() {
                        let message = unframed.take();
                        assert_eq!(message.len(), max);
                        left.extend(message);
                    }
                }
            }
            left.extend(unframed.take());
            assert!(left == source && unframed.len() == 0);
        }
    }
}

use super::{Unread, read_buffer};

/// Returns a read buffer that begins with `len` different bytes.
fn filled(len: usize) -> (Vec<u8>, Vec<u8>) {
    let mut buffer = read_buffer::take();
    let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
    buffer.extend_from_slice(&bytes);
    (buffer, bytes)
}

#[test]
fn bytes_keep_their_order_and_the_buffer_is_returned() {
    // Miri is slow.
    let most = if cfg!(miri) { 6_000 } else { 60_000 };
    for is_settled in [false, true] {
        for len in [0, 1, 4096, 4097, most] {
            let (buffer, expected) = filled(len);
            let address = buffer.as_ptr();
            let mut unread = Unread::hold(buffer);
            let mut taken = Vec::new();
            while !unread.is_empty() {
                if is_settled {
                    unread.settle();
                }
                let n = unread.as_slice().len().min(1000);
                unread.as_mut_slice()[0] ^= 0xff;
                unread.as_mut_slice()[0] ^= 0xff;
                taken.extend_from_slice(&unread.as_slice()[..n]);
                unread.advance(n);
            }
            assert_eq!(taken, expected);
            assert!(unread.buffer.is_empty());
            let back = read_buffer::take();
            assert_eq!(back.as_ptr(), address, "{len}");
            read_buffer::give(back);
        }
    }
}

#[test]
fn few_bytes_do_not_hold_a_read_buffer() {
    for (len, is_copied) in [(1, true), (4096, true), (4097, false)] {
        let (buffer, expected) = filled(len);
        let mut unread = Unread::hold(buffer);
        unread.settle();
        assert_eq!(unread.as_slice(), expected);
        assert_eq!(unread.buffer.capacity() == len, is_copied, "{len}");
        let copy = unread.buffer.as_ptr();
        unread.settle();
        assert_eq!(unread.buffer.as_ptr(), copy, "it is copied once");
    }
}

#[test]
fn last_bytes_are_taken_with_their_buffer_unless_they_are_a_small_part() {
    for (len, last, keeps) in [(6000, 6000, true), (6000, 4800, true), (6000, 4799, false), (6000, 1, false)]
    {
        let (buffer, expected) = filled(len);
        let address = buffer.as_ptr();
        let mut unread = Unread::hold(buffer);
        unread.advance(len - last);
        let bytes = unread.take_last(last);
        assert_eq!(bytes, expected[len - last..]);
        assert!(unread.is_empty());
        if !keeps {
            assert_eq!(read_buffer::take().as_ptr(), address, "{last} of {len}: the buffer is returned");
        }
    }
}

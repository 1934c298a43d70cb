use std::task::{Context, Poll, Waker};

use super::{ReadBuffer, Unread};

/// Returns a read buffer with `len` different bytes.
fn filled(len: usize) -> (ReadBuffer, Vec<u8>) {
    let mut buffer = ReadBuffer::take();
    let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let polled = buffer.poll_read(&mut rest, &mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(1..))));
    }
    (buffer, bytes)
}

#[test]
fn bytes_keep_their_order_and_the_buffer_is_returned() {
    // Miri is slow.
    let most = if cfg!(miri) { 6_000 } else { 60_000 };
    for is_settled in [false, true] {
        for len in [0, 1, 4096, 4097, most] {
            let (buffer, expected) = filled(len);
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
            assert!(!unread.buffer.is_large() && ReadBuffer::is_kept());
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
        assert_eq!((unread.buffer.is_large(), ReadBuffer::is_kept()), (!is_copied, is_copied), "{len}");
        let copy = unread.as_slice().as_ptr();
        unread.settle();
        assert_eq!(unread.as_slice().as_ptr(), copy, "it is copied once");
    }
}

#[test]
fn last_bytes_keep_their_buffer_unless_data_precedes_them() {
    for (before, keeps) in [(0, true), (14, true), (15, false), (5999, false)] {
        let (buffer, expected) = filled(6000);
        let mut unread = Unread::hold(buffer);
        unread.advance(before);
        assert_eq!(unread.take_last(6000 - before), expected[before..]);
        assert!(unread.is_empty());
        assert_eq!(ReadBuffer::is_kept(), !keeps, "{before}");
    }
}

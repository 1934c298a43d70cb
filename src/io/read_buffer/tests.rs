use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, ReadBuf};

use super::{MANY, ReadBuffer, SIZE};

/// Each read returns up to 1,000 bytes of the next value.
struct Numbers {
    next: u8,
    /// Clears the free part of the buffer before each read, and counts its bytes.
    clears: Option<usize>,
}

impl AsyncRead for Numbers {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if let Some(cleared) = &mut self.clears {
            *cleared += buf.remaining() - (buf.initialized().len() - buf.filled().len());
            buf.initialize_unfilled();
        }
        let len = buf.remaining().min(1000);
        buf.put_slice(&vec![self.next; len]);
        self.next += 1;
        Poll::Ready(Ok(()))
    }
}

fn read(buffer: &mut ReadBuffer, io: &mut Numbers) -> usize {
    match buffer.poll_read(io, &mut Context::from_waker(Waker::noop())) {
        Poll::Ready(read) => read.unwrap(),
        Poll::Pending => panic!("there is more to read"),
    }
}

#[test]
#[cfg_attr(miri, ignore = "many steps")]
fn buffer_is_filled_by_any_reader_and_kept() {
    let expected: Vec<u8> = (0..SIZE).map(|i| (i / 1000) as u8).collect();
    for clears in [None, Some(0)] {
        // At first there is none.
        drop(ReadBuffer::take());
        for is_used in [false, true] {
            assert_eq!(ReadBuffer::is_kept(), is_used);
            let mut buffer = ReadBuffer::take();
            assert!(!ReadBuffer::is_kept() && buffer.is_large());
            let mut io = Numbers { next: 0, clears };
            while !buffer.is_full() {
                let before = buffer.len();
                let read = read(&mut buffer, &mut io);
                assert_eq!((read, buffer.len()), ((SIZE - before).min(1000), before + read));
            }
            assert!(buffer.as_slice() == expected);
            buffer.clear();
            assert_eq!((read(&mut buffer, &mut Numbers { next: 7, clears }), buffer.len()), (1000, 1000));
            assert_eq!(buffer.as_mut_slice(), [7; 1000]);
            buffer.give();
        }
    }
}

#[test]
fn readers_need_not_clear_a_buffer_that_was_used_often() {
    drop(ReadBuffer::take());
    for uses in 0..MANY + 2 {
        let mut buffer = ReadBuffer::take();
        let mut io = Numbers { next: uses, clears: Some(0) };
        read(&mut buffer, &mut io);
        assert_eq!(io.clears == Some(0), uses >= MANY, "{uses}");
        assert_eq!(buffer.as_slice(), [uses; 1000]);
        buffer.give();
    }
}

#[test]
fn nested_reads_use_different_buffers() {
    let (mut outer, mut inner) = (ReadBuffer::take(), ReadBuffer::take());
    read(&mut outer, &mut Numbers { next: 1, clears: None });
    read(&mut inner, &mut Numbers { next: 2, clears: None });
    assert_eq!((outer.as_slice()[0], inner.as_slice()[0]), (1, 2));
    inner.give();
    outer.give();
    assert_eq!(ReadBuffer::take().len(), 0);
}

#[test]
fn copies_are_not_kept() {
    drop(ReadBuffer::take());
    let copy = ReadBuffer::copy(&[1; 7]);
    assert!(copy.as_slice() == [1; 7] && !copy.is_large());
    copy.give();
    assert!(!ReadBuffer::is_kept());
}

#[test]
fn bytes_have_no_spare_capacity() {
    for uses in [0, 1, MANY] {
        (0..uses).for_each(|_| ReadBuffer::take().give());
        let mut buffer = ReadBuffer::take();
        read(&mut buffer, &mut Numbers { next: 3, clears: None });
        let bytes = buffer.into_bytes();
        assert_eq!((&bytes[..], bytes.capacity()), (&[3; 1000][..], 1000));
    }
}

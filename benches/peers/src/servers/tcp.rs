//! Plain TCP, or TLS: bytes are sent back unchanged.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Poll, ready},
};

use tokio::io::{AsyncWriteExt, ReadBuf};

use super::io::Io;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 << 10]);
}

/// Reads through one buffer per thread. Bytes that the socket does not take at once are kept aside,
/// so an idle connection holds no memory.
pub(super) async fn connection<IO: Io>(mut io: IO) {
    let mut rest: Vec<u8> = Vec::new();
    loop {
        let echoed: io::Result<()> = poll_fn(|cx| {
            BUFFER.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(&mut io).poll_read(cx, &mut buffer))?;
                let bytes = buffer.filled();
                if bytes.is_empty() {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                let written = match Pin::new(&mut io).poll_write(cx, bytes) {
                    Poll::Ready(written) => written?,
                    Poll::Pending => 0,
                };
                rest.extend_from_slice(&bytes[written..]);
                Poll::Ready(Ok(()))
            })
        })
        .await;
        if echoed.is_err()
            || (!rest.is_empty() && io.write_all(&rest).await.is_err())
            || io.flush().await.is_err()
        {
            return;
        }
        rest.clear();
    }
}

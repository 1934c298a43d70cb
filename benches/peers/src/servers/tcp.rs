//! Plain TCP: bytes back as they came.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 << 10]);
}

/// Reads through one buffer per thread. What the socket does not take at once is kept aside, so
/// that nothing is held while the connection is idle.
pub(super) async fn connection(mut io: TcpStream) {
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
        if echoed.is_err() || (!rest.is_empty() && io.write_all(&rest).await.is_err()) {
            return;
        }
        rest.clear();
    }
}

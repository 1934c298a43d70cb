//! The end of a connection: waiting for it, and the report about it.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use raw_client::{
    FIN,
    opcode::{BINARY, CLOSE, PING, TEXT},
};
use tokio::{
    sync::{Notify, mpsc},
    time::{self, timeout},
};
use tower_websocket::{CloseCode, Config, Error, Message, WebSocket, websocket::TrySendError};

use crate::{
    life::pair,
    site::{Site, Way},
    trial::{each, noise, soon},
};

fn quiet() -> Config {
    Config::new().keepalive_interval(None).close_timeout(Duration::from_secs(60))
}

/// A handler that waits for the end and for something else learns of the end, however the client
/// ends the connection.
#[tokio::test(flavor = "multi_thread")]
async fn closed_resolves_while_the_handler_waits_for_something_else() {
    for is_split in [false, true] {
        for gone in ["closes", "half-closes", "leaves"] {
            let ways = [Way::Tcp, Way::Tls, Way::Unix, Way::Http2, Way::Memory];
            each(&format!("closed(), the client {gone}, split: {is_split}"), &ways, |way| async move {
                let (tell, mut told) = mpsc::unbounded_channel();
                let site = Site::start(way, quiet(), move |socket: WebSocket| {
                    let tell = tell.clone();
                    async move {
                        let never = Arc::new(Notify::new());
                        if is_split {
                            let (sender, receiver) = socket.split();
                            tokio::select! {
                                () = never.notified() => {}
                                () = sender.closed() => {}
                            }
                            let _ = tell
                                .send((sender.is_closed(), receiver.close_info().map(|ended| ended.code())));
                        } else {
                            tokio::select! {
                                () = never.notified() => {}
                                () = socket.closed() => {}
                            }
                            let _ = tell
                                .send((socket.is_closed(), socket.close_info().map(|ended| ended.code())));
                        }
                    }
                })
                .await;
                let mut peer = site.open().await;
                assert!(timeout(Duration::from_millis(50), told.recv()).await.is_err(), "it is open");
                match gone {
                    "closes" => peer.close(4002).await,
                    "half-closes" => peer.half_close().await,
                    _ => drop(peer),
                }
                let (is_closed, code) = soon("closed()", told.recv()).await.expect("the handler reports");
                let expected = if gone == "closes" { 4002 } else { 1006 };
                soon("the place", site.shutdown.idle()).await;
                let line = format!("closed: {is_closed}, code {code:?}");
                if is_closed && code == Some(expected) { Ok(line) } else { Err(line) }
            })
            .await;
        }
    }
}

/// However a socket ends, `on_end` is called once, with the amount of transferred data.
#[tokio::test(flavor = "multi_thread")]
async fn on_end_is_called_once_for_every_kind_of_end() {
    let ends = [
        "closes",
        "leaves",
        "breaks the protocol",
        "stays, the handler returns",
        "stays, the handler panics",
    ];
    for end in ends {
        each(&format!("on_end, the client {end}"), &Way::ALL, |way| async move {
            let (tell, mut told) = mpsc::unbounded_channel();
            let config = quiet().on_end(move |summary| {
                let _ = tell.send(summary.clone());
                std::panic::resume_unwind(Box::new("on purpose: it is caught"));
            });
            let site = Site::start(way, config, move |mut socket: WebSocket| async move {
                while let Some(Ok(message)) = socket.recv().await {
                    if message.is_text() {
                        socket.send(message).await.expect("it is open");
                        match end {
                            "stays, the handler returns" => break,
                            "stays, the handler panics" => std::panic::resume_unwind(Box::new("on purpose")),
                            _ => {}
                        }
                    }
                }
            })
            .await;
            let mut peer = site.open().await;
            peer.send(FIN | TEXT, "hello").await;
            assert_eq!(soon("the echo", peer.next()).await.payload, b"hello");
            let (code, wire) = match end {
                "closes" => {
                    peer.close(4002).await;
                    soon("the answer", peer.next_close()).await;
                    (4002, (19, 11))
                }
                "leaves" => {
                    drop(peer);
                    (1006, (11, 7))
                }
                "breaks the protocol" => {
                    peer.send_raw(&[0xff, 0x80, 0, 0, 0, 0]).await;
                    soon("the Close", peer.next_close()).await;
                    drop(peer);
                    (1006, (17, 11))
                }
                _ => {
                    let code = soon("the Close", peer.next_close()).await;
                    peer.close(code).await;
                    (code, (19, 11))
                }
            };
            let summary = soon("on_end", told.recv()).await.expect("on_end is called");
            soon("the place", site.shutdown.idle()).await;
            assert!(timeout(Duration::from_millis(50), told.recv()).await.is_err(), "called again");
            let (received, sent) = (summary.received, summary.sent);
            let line = format!("{code}, received {received:?}, sent {sent:?}, {:?}", summary.close_info);
            let messages = [received, sent].map(|traffic| (traffic.messages, traffic.bytes));
            // After a Close from this side, more bytes may have been sent, or fewer if the client
            // is gone.
            let is_sent = sent.wire_bytes == wire.1 || end == "leaves" && sent.wire_bytes <= 11;
            let is_right = messages == [(1, 5); 2] && received.wire_bytes == wire.0 && is_sent;
            let is_ended =
                summary.close_info.code() == code && summary.close_info.error().is_some() == (code == 1006);
            if is_right && is_ended { Ok(line) } else { Err(line) }
        })
        .await;
    }
}

/// Taking the IO out also ends the socket. Compressed data counts less on the wire.
#[tokio::test]
async fn on_end_is_called_when_the_io_is_taken_out() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let config = quiet().on_end(move |summary| drop(tell.send(summary.clone())));
    let (_peer, mut socket) = pair(config, 1000).await;
    socket.send(Message::text("hello")).await.expect("it is open");
    drop(socket.into_inner().await.expect("nothing was agreed on"));
    let summary = told.try_recv().expect("on_end is called");
    assert_eq!((summary.close_info.code(), summary.sent.messages, summary.sent.wire_bytes), (1006, 1, 7));
    assert!(told.try_recv().is_err(), "called again");
}

/// A destructor that panics when the connection ends does not hide the end from other tasks.
#[tokio::test]
async fn panicking_destructor_does_not_hide_the_end() {
    struct Panics(Vec<u8>);
    impl AsRef<[u8]> for Panics {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    impl Drop for Panics {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                std::panic::resume_unwind(Box::new("on purpose"));
            }
        }
    }
    let (tell, mut told) = mpsc::unbounded_channel();
    let config = quiet().on_end(move |_| {
        let _ = tell.send(());
    });
    let (peer, socket) = pair(config, 1000).await;
    let (sender, mut receiver) = socket.split();
    sender.send(Bytes::from_owner(Panics(vec![1; 100_000]))).await.expect("there is room");
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let sender = sender.clone();
            tokio::spawn(async move { sender.closed().await })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(peer);
    // The task that notices the end may see the panic.
    let _ = tokio::spawn(async move { while let Some(Ok(_)) = receiver.recv().await {} }).await;
    for waiter in waiting {
        soon("closed()", waiter).await.expect("it does not panic");
    }
    soon("on_end", told.recv()).await.expect("on_end is called");
}

/// A keepalive timeout too, at the documented time, for one task and for many.
#[tokio::test(start_paused = true)]
async fn closed_resolves_after_a_keepalive_timeout() {
    let (_peer, socket) = pair(Config::new(), 64 << 10).await;
    let (sender, _receiver) = socket.split();
    let begin = time::Instant::now();
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let sender = sender.clone();
            tokio::spawn(async move { sender.closed().await })
        })
        .collect();
    // Dropped futures release their slots.
    for _ in 0..100 {
        assert!(sender.closed().now_or_never().is_none());
    }
    for waiter in waiting {
        waiter.await.expect("it does not panic");
    }
    let end = begin.elapsed().as_secs_f64();
    assert!((39.9..=45.1).contains(&end), "closed() after {end:.2} s");
    sender.closed().now_or_never().expect("it stays closed");
}

/// `stalled` returns for how long the IO has accepted no bytes.
#[tokio::test(start_paused = true)]
async fn stalled_reports_the_time_without_progress() {
    let (mut peer, socket) = pair(quiet().max_write_buffer_size(64 << 10), 10_000).await;
    let (sender, mut receiver) = socket.split();
    tokio::spawn(async move { while let Some(Ok(_)) = receiver.recv().await {} });
    assert_eq!(sender.stalled(), None, "nothing waits");
    let mut taken = 0;
    while sender.try_send(Message::binary(vec![1; 15_000])).is_ok() {
        taken += 1;
    }
    time::sleep(Duration::from_secs(7)).await;
    let stalled = sender.stalled().expect("nothing is taken").as_secs_f64();
    assert!((stalled - 7.0).abs() < 0.1, "stalled for {stalled:.2} s after 7 s");
    // A client that reads again, slowly, is not stalled.
    peer.set_rate(50_000);
    let mut bytes = 0;
    let mut longest = Duration::ZERO;
    while bytes < taken * 15_000 {
        bytes += peer.next().await.payload.len();
        longest = longest.max(sender.stalled().unwrap_or_default());
    }
    assert!(longest < Duration::from_millis(100), "stalled for {longest:?} while the client reads");
    sender.flush().await.expect("it is open");
    assert_eq!(sender.stalled(), None, "nothing waits");
}

/// The socket's own methods to write and to query, before it is split.
#[tokio::test]
async fn whole_socket_has_the_methods_of_its_halves() {
    let (mut peer, mut socket) = pair(quiet().max_write_buffer_size(1000), 100).await;
    assert!(!socket.is_closed());
    socket.try_send(Message::binary(vec![1; 50])).expect("there is room");
    soon("flush", socket.flush()).await.expect("it is open");
    assert_eq!(soon("the message", peer.next()).await.payload.len(), 50);
    let mut taken = 0;
    let full = loop {
        match socket.try_send(Message::binary(vec![1; 400])) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 100, "it is never full");
    };
    assert!(matches!(full, TrySendError::Full(Message::Binary(_))), "{full:?}");
    let flushing = tokio::spawn(async move { (socket.flush().await, socket) });
    for _ in 0..taken {
        assert_eq!(soon("the accepted messages", peer.next()).await.payload.len(), 400);
    }
    let (flushed, mut socket) = soon("flush", flushing).await.expect("it does not panic");
    flushed.expect("it is open");
    peer.close(1000).await;
    while let Some(Ok(_)) = soon("the Close", socket.recv()).await {}
    assert!(socket.is_closed());
    assert!(matches!(socket.try_send(Message::text("late")), Err(TrySendError::Closed(_))));
}

/// `None` sends a Close without a code, from the socket and from a sender.
#[tokio::test]
async fn close_without_a_code_sends_none() {
    for is_split in [false, true] {
        for code in [None, Some(CloseCode::BAD_GATEWAY)] {
            let (mut peer, mut socket) = pair(quiet(), 1 << 10).await;
            let closing = tokio::spawn(async move {
                if is_split {
                    let (sender, mut receiver) = socket.split();
                    sender.close(code, "");
                    while let Some(Ok(_)) = receiver.next().await {}
                    Ok(())
                } else {
                    socket.close(code, "").await
                }
            });
            let close = soon("the Close", peer.next()).await;
            assert_eq!(close.opcode(), CLOSE);
            let expected = code.map(|_| 1014_u16.to_be_bytes().to_vec()).unwrap_or_default();
            assert_eq!(close.payload, expected, "split: {is_split}");
            peer.send(FIN | CLOSE, &close.payload).await;
            soon("the end", closing).await.expect("it does not panic").expect("it is closed");
        }
    }
}

/// The application can set the frame size, or send one frame for each message.
#[tokio::test]
async fn size_of_outgoing_frames_is_configurable() {
    for (size, len, expected) in [
        (Some(1000), 2500, vec![1000, 1000, 500]),
        (Some(1000), 1000, vec![1000]),
        (Some(1), 3, vec![1, 1, 1]),
        (None, 300_000, vec![300_000]),
        (Some(usize::MAX), 300_000, vec![300_000]),
    ] {
        let config = quiet().max_outgoing_frame_size(size);
        let (mut peer, mut socket) = pair(config, 1 << 10).await;
        let sending = tokio::spawn(async move {
            socket.send(Message::binary(noise(1, len))).await.expect("it is open");
            socket
        });
        let mut lens = Vec::new();
        loop {
            let frame = soon("a frame", peer.next()).await;
            assert_eq!(frame.opcode(), if lens.is_empty() { BINARY } else { 0 });
            lens.push(frame.payload.len());
            if frame.first & FIN != 0 {
                break;
            }
        }
        assert_eq!(lens, expected, "{size:?}");
        drop(sending.await.expect("it does not panic"));
    }
}

/// A ping overtakes the rest of a large message. Sending after the connection is cut returns the
/// cause.
#[tokio::test(start_paused = true)]
async fn stalled_peer_is_cut_and_close_reports_it() {
    let (mut peer, socket) = pair(Config::new(), 100).await;
    peer.send(FIN | TEXT, b"hello").await;
    peer.send(FIN | PING, b"").await;
    let handler = socket.drive(|mut socket| async move {
        socket.send(Message::binary(vec![1; 3_000_000])).await.expect("there is room for one message");
        let begin = time::Instant::now();
        let closed = socket.close(CloseCode::NORMAL, "").await;
        (closed, begin.elapsed(), socket.close_info().and_then(|ended| ended.error().map(str::to_owned)))
    });
    let (closed, after, error) = handler.await.expect("nothing drops the handler");
    assert!(
        matches!(&closed, Err(Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut),
        "{closed:?}"
    );
    assert!((4.9..=40.1).contains(&after.as_secs_f64()), "after {after:?}");
    assert!(error.is_some(), "close_info contains the error");
}

/// When the peer violates the protocol, queued messages are still written before the Close. They
/// are reported as written only then.
#[tokio::test]
async fn flush_across_a_violation_reports_written_messages() {
    let (mut peer, socket) = pair(quiet(), 100).await;
    let (sender, mut receiver) = socket.split();
    sender.send(Message::binary(vec![1; 20_000])).await.expect("there is room");
    assert!(sender.flush().now_or_never().is_none(), "the peer takes nothing");
    sender.send(Message::text("behind it")).await.expect("there is room");
    let flushing = tokio::spawn(async move { sender.flush().await });
    tokio::task::yield_now().await;
    // An unmasked frame.
    peer.send_raw(&[FIN | TEXT, 1, b'a']).await;
    let mut texts = 0;
    while let Ok(Some(frame)) = soon("the end", peer.frame()).await {
        texts += usize::from(frame.opcode() == TEXT);
        if frame.opcode() == CLOSE {
            break;
        }
    }
    drop(peer);
    let flushed = soon("the flush", flushing).await.expect("it does not panic");
    assert_eq!(flushed.is_ok(), texts == 1, "{flushed:?}");
    assert_eq!(texts, 1);
    while receiver.recv().await.is_some() {}
}

/// Even if the peer keeps sending, it must read the remaining data of an ending connection within a
/// bounded time.
#[tokio::test(start_paused = true)]
async fn sending_but_stalled_peer_does_not_keep_an_ending_connection() {
    for is_failed in [false, true] {
        let (mut peer, socket) = pair(Config::new(), 100).await;
        let begin = time::Instant::now();
        let handler = socket.drive(|mut socket| async move {
            let sent = timeout(Duration::from_secs(1), socket.send(Message::binary(vec![1; 300_000]))).await;
            drop(sent);
            if is_failed {
                while socket.recv().await.is_some() {}
            }
        });
        let peer = tokio::spawn(async move {
            time::sleep(Duration::from_secs(2)).await;
            if is_failed {
                peer.send_raw(&[FIN | TEXT, 1, b'a']).await;
            }
            while peer.try_send_raw(&raw_client::frame(FIN | PING, b"")).await.is_ok() {
                time::sleep(Duration::from_secs(1)).await;
            }
        });
        let ended = timeout(Duration::from_secs(3600), handler).await;
        assert!(ended.is_ok(), "failed: {is_failed}: it is there after an hour");
        let limit = if is_failed { 65 } else { 485 };
        assert!(begin.elapsed() < Duration::from_secs(limit), "failed: {is_failed}: {:?}", begin.elapsed());
        peer.await.expect("it does not panic");
    }
}

/// If a driver is dropped outside a runtime, the task that receives does its work.
#[test]
fn driver_dropped_outside_a_runtime_leaves_the_socket_to_its_reader() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a thread");
    let (give, given) = std::sync::mpsc::channel();
    let (mut peer, driver) = runtime.block_on(async {
        let (peer, socket) = pair(quiet(), 1 << 10).await;
        let mut driver = Box::pin(socket.drive(|socket| async move { drop(give.send(socket)) }));
        assert!((&mut driver).now_or_never().is_none(), "the connection is open");
        (peer, driver)
    });
    drop(driver);
    let mut socket = given.recv().expect("the handler gives it");
    runtime.block_on(async {
        soon("sending", socket.send(Message::text("hello"))).await.expect("it is open");
        assert_eq!(soon("the message", peer.next()).await.payload, b"hello");
        peer.send(FIN | TEXT, b"hello").await;
        let received = soon("receiving", socket.recv()).await.expect("it is open");
        assert_eq!(received.expect("it is open"), Message::text("hello"));
    });
}

/// After many messages, a reader yields to other tasks. If it then does not poll again, the driver
/// continues.
#[tokio::test]
async fn unpolled_stream_after_a_flood_does_not_hide_the_close() {
    let (mut peer, socket) = pair(quiet(), 1 << 20).await;
    for _ in 0..340 {
        peer.send(FIN | BINARY, [0; 1000]).await;
    }
    peer.close(1000).await;
    let handler = socket.drive(|mut socket| async move {
        let mut received = 0;
        while let Some(Some(Ok(_))) = socket.next().now_or_never() {
            received += 1;
        }
        assert!((1..340).contains(&received), "{received}");
        socket.closed().await;
        while socket.next().await.is_some() {
            received += 1;
        }
        received
    });
    assert_eq!(soon("the end", handler).await, Some(341));
}

//! The closing handshake (RFC 6455 §7).

use std::{io::ErrorKind, time::Duration};

use futures_util::FutureExt;
use raw_client::{
    frame,
    whole::{BINARY, CLOSE, PING, TEXT},
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};
use tower_websocket::{CloseCode, CloseFrame, Config, Error, Message, tungstenite::error::ProtocolError};

use crate::{
    pair::{Socket, at_once, drive, finish, open, settle},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    close_sends_code_and_reason_and_waits_for_the_answer,
    close_waits_no_longer_than_five_seconds,
    the_peers_code_is_echoed_and_readable,
    close_without_a_code_is_answered_without_one,
    returning_handler_closes_with_1000,
    dropping_the_socket_closes_with_1000_and_the_handler_continues,
    handler_panic_closes_with_1011,
    socket_dropped_by_a_panic_elsewhere_closes_with_1011,
    handler_may_move_its_socket_and_return,
    background_close_waits_no_longer_than_five_seconds,
    close_timeout_is_configurable,
    nothing_is_delivered_or_sent_after_the_peers_close,
    messages_in_flight_are_received_after_our_close,
    close_without_a_code_can_be_sent,
    close_1005_and_half_close_are_handled,
    half_closing_client_gets_sent_messages,
    half_closing_client_gets_messages_behind_a_large_one,
    data_after_the_peers_close_is_not_an_error,
    socket_without_a_driver_is_closed_in_the_background,
    socket_without_a_driver_closes_by_itself,
    stream_ends_once,
    panic_with_only_the_sender_closes_with_1011,
    invalid_close_frame_is_rejected,
    overlong_close_reason_is_truncated,
    socket_dropped_outside_a_runtime_closes_if_possible,
}

async fn close_sends_code_and_reason_and_waits_for_the_answer<T: Transport>() {
    let (done, ended) = oneshot::channel();
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        socket.send("last").await.unwrap();
        socket.close(CloseCode::try_from(4001).unwrap(), "x".repeat(200)).await.unwrap();
        done.send((socket.close_info().unwrap(), Instant::now())).unwrap();
    })
    .await;
    assert_eq!(pair.recv_text().await, "last");
    assert_eq!(pair.recv_close().await, (4001, "x".repeat(123)));
    sleep(Duration::from_secs(3)).await;
    pair.text("not wanted any more").await;
    pair.send_close(4001, "bye").await;
    pair.eof().await;
    pair.half_close().await;
    let (ended, at) = ended.await.unwrap();
    assert_eq!((ended.code(), ended.reason(), ended.is_clean()), (4001, "bye", true));
    assert_eq!(ended.sent().unwrap().reason, "x".repeat(123));
    assert!(at <= Instant::now());
    pair.finish().await;
}

async fn close_waits_no_longer_than_five_seconds<T: Transport>() {
    let start = Instant::now();
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        let error = socket.close(CloseCode::NORMAL, "").await.unwrap_err();
        assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::TimedOut), "{error:?}");
        let ended = socket.close_info().unwrap();
        assert_eq!((ended.code(), ended.is_clean()), (1006, false));
        assert_eq!(ended.error(), Some("the closing handshake made no progress in time"));
    })
    .await;
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.eof().await;
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    pair.finish().await;
}

async fn the_peers_code_is_echoed_and_readable<T: Transport>() {
    for (code, reason) in [(1000, ""), (1001, "gone"), (3000, ""), (4999, "ünïcode")] {
        let (done, ended) = oneshot::channel();
        let mut pair = drive::<T, _>(Config::new(), async move |mut socket: Socket<T>| {
            let Some(Ok(Message::Close(Some(frame)))) = socket.recv().await else { panic!("no Close") };
            assert_eq!(u16::from(frame.code), code);
            assert!(socket.recv().await.is_none());
            done.send(socket.close_info().unwrap()).unwrap();
        })
        .await;
        pair.send_close(code, reason).await;
        assert_eq!(pair.recv_close().await, (code, reason.into()));
        pair.eof().await;
        let ended = ended.await.unwrap();
        assert_eq!((ended.code(), ended.reason(), ended.sent()), (code, reason, None));
        pair.finish().await;
    }
}

async fn close_without_a_code_is_answered_without_one<T: Transport>() {
    let (done, ended) = oneshot::channel();
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        assert!(matches!(socket.recv().await, Some(Ok(Message::Close(None)))));
        assert!(socket.recv().await.is_none());
        done.send(socket.close_info().unwrap().code()).unwrap();
    })
    .await;
    pair.send(CLOSE, "").await;
    assert_eq!(pair.recv().await, (CLOSE, vec![]));
    pair.eof().await;
    assert_eq!(ended.await.unwrap(), 1005);
    pair.finish().await;
}

async fn returning_handler_closes_with_1000<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        socket.send("bye").await.unwrap();
    })
    .await;
    assert_eq!(pair.recv_text().await, "bye");
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn dropping_the_socket_closes_with_1000_and_the_handler_continues<T: Transport>() {
    let (done, gone) = oneshot::channel();
    let mut pair = drive::<T, _>(Config::new(), async |socket: Socket<T>| {
        drop(socket);
        sleep(Duration::from_secs(60)).await;
        done.send(()).unwrap();
    })
    .await;
    let start = Instant::now();
    pair.answer_close(1000).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    gone.await.unwrap();
    pair.finish().await;
}

async fn handler_panic_closes_with_1011<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        socket.recv().await;
        panic!("a handler's bug");
    })
    .await;
    pair.text("go").await;
    pair.answer_close(1011).await;
    pair.finish_panicked("a handler's bug").await;
}

async fn socket_dropped_by_a_panic_elsewhere_closes_with_1011<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |socket: Socket<T>| {
        let task = tokio::spawn(async move {
            let _socket = socket;
            panic!("a task's bug");
        });
        assert!(task.await.is_err());
    })
    .await;
    pair.answer_close(1011).await;
    pair.finish().await;
}

async fn handler_may_move_its_socket_and_return<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        tokio::spawn(async move {
            while let Some(Ok(message)) = socket.recv().await {
                if message.is_text() {
                    socket.send(message).await.unwrap();
                }
            }
        });
    })
    .await;
    for _ in 0..3 {
        pair.text("still there?").await;
        assert_eq!(pair.recv_text().await, "still there?");
    }
    pair.send_close(1000, "").await;
    pair.recv_close().await;
    pair.finish().await;
}

async fn background_close_waits_no_longer_than_five_seconds<T: Transport>() {
    let start = Instant::now();
    let mut pair = drive::<T, _>(Config::new(), async |_: Socket<T>| {}).await;
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.eof().await;
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    pair.finish().await;
}

async fn close_timeout_is_configurable<T: Transport>() {
    let start = Instant::now();
    let config = Config::new().close_timeout(Duration::from_millis(100));
    let mut pair = drive::<T, _>(config, async |_: Socket<T>| {}).await;
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.eof().await;
    assert_eq!(start.elapsed(), Duration::from_millis(100));
    pair.finish().await;
}

async fn nothing_is_delivered_or_sent_after_the_peers_close<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        assert!(matches!(socket.recv().await, Some(Ok(Message::Close(_)))));
        // The Close may be answered already.
        let error = socket.send("too late").await.unwrap_err();
        assert!(
            matches!(error, Error::Protocol(ProtocolError::SendAfterClosing) | Error::AlreadyClosed),
            "{error:?}"
        );
        assert!(socket.recv().await.is_none());
        assert!(socket.send("too late").await.is_err());
    })
    .await;
    let mut bytes = frame(CLOSE, &1000u16.to_be_bytes());
    bytes.extend(frame(TEXT, b"after the end"));
    pair.send_raw(&bytes).await;
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.eof().await;
    pair.finish().await;
}

async fn messages_in_flight_are_received_after_our_close<T: Transport>() {
    let with_code = CloseFrame { code: 1000.into(), reason: "".into() };
    for (frame, code) in [(None, 1005), (Some(with_code), 1000)] {
        let (done, received) = oneshot::channel();
        let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
            socket.send(Message::Close(frame)).await.unwrap();
            assert!(matches!(socket.send("too late").await, Err(Error::Protocol(_))));
            let mut received = Vec::new();
            while let Some(Ok(message)) = socket.recv().await {
                received.push(message);
            }
            done.send(received).unwrap();
        })
        .await;
        assert_eq!(pair.recv_close().await.0, code);
        pair.text("on its way").await;
        pair.send_close(1000, "").await;
        pair.eof().await;
        let received = received.await.unwrap();
        assert_eq!(received[0], Message::text("on its way"));
        assert!(matches!(received[1], Message::Close(Some(CloseFrame { .. }))));
        assert_eq!(received.len(), 2);
        pair.finish().await;
    }
}

/// The Close was sent with 1000.
async fn close_without_a_code_can_be_sent<T: Transport>() {
    let close = async |mut socket: Socket<T>| socket.close(None, "").await.unwrap();
    let send = async |mut socket: Socket<T>| {
        socket.send(Message::Close(None)).await.unwrap();
        while socket.recv().await.is_some() {}
        assert_eq!(socket.close_info().unwrap().sent(), None);
    };
    let split = async |socket: Socket<T>| {
        let (sender, mut receiver) = socket.split();
        sender.close(None, "");
        while receiver.recv().await.is_some() {}
    };
    let mut pairs = [
        drive::<T, _>(Config::new(), close).await,
        drive::<T, _>(Config::new(), send).await,
        drive::<T, _>(Config::new(), split).await,
    ];
    for pair in &mut pairs {
        assert_eq!(pair.recv().await, (CLOSE, vec![]));
        pair.send(CLOSE, "").await;
        pair.eof().await;
        pair.half_close().await;
    }
    finish(pairs).await;
}

/// AnyEvent::WebSocket::Connection closes with 1005 on the wire and shuts its side down at once.
async fn close_1005_and_half_close_are_handled<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("hello"));
        let error = socket.recv().await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Protocol(ProtocolError::InvalidCloseSequence)), "{error:?}");
        assert!(socket.recv().await.is_none());
        let ended = socket.close_info().unwrap();
        assert_eq!((ended.code(), ended.is_clean()), (1006, false));
    })
    .await;
    pair.text("hello").await;
    pair.send_close(1005, "").await;
    pair.half_close().await;
    assert_eq!(pair.recv_close().await.0, 1002);
    pair.eof().await;
    pair.finish().await;
}

async fn half_closing_client_gets_sent_messages<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("hello"));
        socket.send("answer").await.unwrap();
        at_once(socket.closed()).await;
        assert!(matches!(socket.send("too late").await, Err(Error::AlreadyClosed)));
        let error = socket.recv().await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)), "{error:?}");
        assert!(socket.recv().await.is_none());
    })
    .await;
    pair.text("hello").await;
    pair.half_close().await;
    assert_eq!(at_once(pair.recv_text()).await, "answer");
    at_once(pair.eof()).await;
    pair.finish().await;
}

/// All data after the first 64 KiB was lost, and the stream ended within a message.
async fn half_closing_client_gets_messages_behind_a_large_one<T: Transport>() {
    let size = 200_000 + T::AHEAD;
    for (limit, has_room) in [(100_000, false), (1 << 20, true)] {
        let (mut pair, socket) = open::<T>(Config::new().max_write_buffer_size(limit), 1000).await;
        let (sender, mut receiver) = socket.split();
        sender.send(vec![1; size]).await.unwrap();
        assert_eq!(sender.try_send("behind").is_ok(), has_room);
        let sending = tokio::spawn(async move {
            let sent = sender.send("further behind").await;
            (sent, sender)
        });
        settle().await;
        pair.half_close().await;
        assert!(receiver.recv().await.unwrap().is_err());
        let mut large = Vec::new();
        for n in 0.. {
            let (first, payload) = pair.recv().await;
            large.extend(payload);
            assert_eq!(first & 0x0f, if n == 0 { BINARY & 0x0f } else { 0 });
            if first & 0x80 > 0 {
                break;
            }
        }
        assert_eq!(large, vec![1; size]);
        let (sent, _sender) = sending.await.unwrap();
        if has_room {
            assert_eq!(pair.recv_text().await, "behind");
            assert_eq!(pair.recv_text().await, "further behind");
            sent.unwrap();
        } else {
            // It waited for space, and was notified.
            assert!(matches!(sent, Err(Error::AlreadyClosed)), "{sent:?}");
        }
        pair.eof().await;
        pair.finish().await;
    }
}

/// The stream returned the Close, and after it an error.
async fn data_after_the_peers_close_is_not_an_error<T: Transport>() {
    // The answer to the Close does not fit, so reading continues meanwhile.
    let (mut pair, mut socket) = open::<T>(Config::new(), 100).await;
    let mut pings = frame(PING, &[b'x'; 100]);
    pings.extend(frame(CLOSE, &1000_u16.to_be_bytes()));
    pings.extend(frame(TEXT, b"after the end"));
    socket.send(vec![0; 10_000]).now_or_never();
    let receive = async move {
        assert!(socket.recv().await.unwrap().unwrap().is_ping());
        assert!(socket.recv().await.unwrap().unwrap().is_close());
        assert!(socket.recv().await.is_none());
        assert_eq!(socket.close_info().unwrap().error(), None);
        drop(socket);
    };
    let talk = async {
        pair.send_raw(&pings).await;
        sleep(Duration::from_secs(1)).await;
        while pair.try_recv().await.is_some() {}
    };
    tokio::join!(receive, talk);
    pair.finish().await;
}

async fn socket_without_a_driver_is_closed_in_the_background<T: Transport>() {
    let (mut pair, mut socket) = open::<T>(Config::new(), 1024).await;
    socket.send("bye").await.unwrap();
    drop(socket);
    assert_eq!(pair.recv_text().await, "bye");
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn socket_without_a_driver_closes_by_itself<T: Transport>() {
    let (mut pair, mut socket) = open::<T>(Config::new(), 1024).await;
    let (closed, ()) = tokio::join!(socket.close(CloseCode::GOING_AWAY, "lunch"), async {
        assert_eq!(pair.recv_close().await, (1001, "lunch".into()));
        pair.send_close(1001, "").await;
        pair.eof().await;
        pair.half_close().await;
    });
    closed.unwrap();
    drop(socket);
    pair.finish().await;
}

async fn stream_ends_once<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        assert!(matches!(socket.recv().await, Some(Ok(Message::Close(_)))));
        for _ in 0..3 {
            assert!(socket.recv().await.is_none());
        }
    })
    .await;
    pair.send_close(1000, "").await;
    pair.recv_close().await;
    pair.finish().await;
}

/// The sender was dropped first, and sent 1000 before the panic was known.
async fn panic_with_only_the_sender_closes_with_1011<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |socket: Socket<T>| {
        let (sender, _receiver) = socket.split();
        let write = async move {
            let _sender = sender;
            panic!("a handler's bug");
        };
        write.await
    })
    .await;
    pair.answer_close(1011).await;
    pair.finish_panicked("a handler's bug").await;
}

/// The frame was sent unchanged, and the peer had to fail the connection with 1002.
async fn invalid_close_frame_is_rejected<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
            let frame = CloseFrame { code: code.into(), reason: "".into() };
            let error = socket.send(Message::Close(Some(frame))).await.unwrap_err();
            assert!(
                matches!(error, Error::Protocol(ProtocolError::InvalidCloseSequence)),
                "{code}: {error:?}"
            );
        }
        assert!(socket.close_info().is_none());
        socket.send("still open").await.unwrap();
    })
    .await;
    assert_eq!(pair.recv_text().await, "still open");
    pair.answer_close(1000).await;
    pair.finish().await;
}

/// A Close of more than 125 bytes violated the protocol (RFC 6455 §5.5).
async fn overlong_close_reason_is_truncated<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        let frame = CloseFrame { code: 4000.into(), reason: "é".repeat(150).into() };
        socket.send(Message::Close(Some(frame))).await.unwrap();
        while socket.recv().await.is_some() {}
    })
    .await;
    assert_eq!(pair.recv_close().await, (4000, "é".repeat(61)));
    pair.send_close(4000, "").await;
    pair.eof().await;
    pair.finish().await;
}

/// Without a runtime, no task can close it in the background. That was a panic.
async fn socket_dropped_outside_a_runtime_closes_if_possible<T: Transport>() {
    let (mut pair, mut socket) = open::<T>(Config::new(), 1024).await;
    socket.send("bye").await.unwrap();
    std::thread::spawn(move || drop(socket)).join().expect("dropping does not panic");
    assert_eq!(pair.recv_text().await, "bye");
    assert_eq!(at_once(pair.recv_close()).await.0, 1000);
    at_once(pair.eof()).await;
    pair.finish().await;
}

//! Converting the socket into tokio-tungstenite's stream.

use std::{future::Future, time::Duration};

use futures_util::{SinkExt, StreamExt};
use raw_client::{
    frame,
    whole::{BINARY, PING, PONG, TEXT},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::oneshot,
    time::timeout,
};
use tokio_tungstenite::WebSocketStream;
use tower_websocket::{Config, Message};

use crate::{
    pair::{Pair, Socket, at_once, drive, open, settle},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    unread_bytes_come_first,
    messages_received_in_advance_come_first,
    pong_received_in_advance_comes_first,
    queued_messages_are_written_before,
    socket_is_returned_inside_a_message,
    closing_socket_is_returned,
    converted_stream_is_not_maintained,
    idle_socket_is_converted_at_once,
    converted_stream_keeps_the_limits,
    message_received_in_advance_keeps_the_limit_of_frames,
}

/// Runs a handler that lets the driver receive in advance until the test continues.
async fn driven<T, Fut>(
    handler: impl FnOnce(Socket<T>) -> Fut + Send + 'static,
) -> (Pair<T>, oneshot::Sender<()>)
where
    T: Transport,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (go, gone) = oneshot::channel();
    let pair = drive::<T, _>(Config::new(), async |socket| {
        gone.await.unwrap();
        handler(socket).await;
    })
    .await;
    (pair, go)
}

async fn next<IO: AsyncRead + AsyncWrite + Unpin>(stream: &mut WebSocketStream<IO>) -> Message {
    stream.next().await.expect("a message").expect("no error")
}

/// Exchanges messages in both directions on the stream, up to its end.
async fn converse<IO: AsyncRead + AsyncWrite + Unpin>(mut stream: WebSocketStream<IO>) {
    assert_eq!(next(&mut stream).await, Message::text("last"));
    stream.send(Message::text("bye")).await.unwrap();
    stream.close(None).await.unwrap();
    while let Some(Ok(_)) = stream.next().await {}
}

async fn answer<T: Transport>(pair: &mut Pair<T>) {
    pair.text("last").await;
    assert_eq!(pair.recv_text().await, "bye");
    assert_eq!(pair.recv_close().await.0, 1005);
    pair.send_close(1000, "").await;
    pair.eof().await;
}

async fn unread_bytes_come_first<T: Transport>() {
    // Whole frames, and one that is cut anywhere and not decoded yet.
    let rest = frame(BINARY, &[7; 200]);
    for cut in [0, 1, 3, 100, rest.len()] {
        let (mut pair, mut socket) = open::<T>(Config::new(), 1 << 20).await;
        let first = [frame(TEXT, b"one"), frame(TEXT, b"two"), frame(PING, b"x"), rest[..cut].to_vec()];
        pair.send_raw(&first.concat()).await;
        assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("one"));
        let mut stream = socket.into_inner().await.unwrap();
        assert_eq!(next(&mut stream).await, Message::text("two"));
        assert_eq!(next(&mut stream).await, Message::Ping("x".into()));
        pair.send_raw(&rest[cut..]).await;
        assert_eq!(next(&mut stream).await, Message::binary(vec![7; 200]));
        let talk = tokio::spawn(converse(stream));
        // tungstenite answers the ping at its next use.
        assert_eq!(pair.recv().await, (PONG, b"x".to_vec()));
        answer(&mut pair).await;
        talk.await.unwrap();
        pair.finish().await;
    }
}

/// Messages that the driver has received in advance become frames again.
async fn messages_received_in_advance_come_first<T: Transport>() {
    // The last but one exceeds the limit for receiving in advance, so the last one is not decoded
    // yet.
    const SIZES: [usize; 7] = [0, 1, 125, 126, 60_000, 70_000, 3];
    let (mut pair, go) = driven::<T, _>(async |socket| {
        let mut stream = socket.into_inner().await.unwrap();
        for len in SIZES {
            assert_eq!(next(&mut stream).await, Message::text("x".repeat(len)));
            assert_eq!(next(&mut stream).await, Message::binary(vec![8; len]));
        }
        converse(stream).await;
    })
    .await;
    // It is answered before the conversion, so the stream does not deliver it.
    pair.send(PING, "ahead").await;
    assert_eq!(pair.recv().await, (PONG, b"ahead".to_vec()));
    for len in SIZES {
        pair.send(TEXT, "x".repeat(len)).await;
        pair.send(BINARY, vec![8; len]).await;
    }
    settle().await;
    go.send(()).unwrap();
    answer(&mut pair).await;
    pair.finish().await;
}

async fn pong_received_in_advance_comes_first<T: Transport>() {
    let (mut pair, go) = driven::<T, _>(async |socket| {
        let mut stream = socket.into_inner().await.unwrap();
        assert_eq!(next(&mut stream).await, Message::Pong("mine".into()));
        converse(stream).await;
    })
    .await;
    pair.send(PONG, "mine").await;
    settle().await;
    go.send(()).unwrap();
    answer(&mut pair).await;
    pair.finish().await;
}

async fn queued_messages_are_written_before<T: Transport>() {
    // The message is corked, and the peer reads nothing yet.
    let (mut pair, go) = driven::<T, _>(async |mut socket| {
        socket.send("first").await.unwrap();
        let mut stream = socket.into_inner().await.unwrap();
        stream.send(Message::text("second")).await.unwrap();
        converse(stream).await;
    })
    .await;
    go.send(()).unwrap();
    assert_eq!(pair.recv_text().await, "first");
    assert_eq!(pair.recv_text().await, "second");
    answer(&mut pair).await;
    pair.finish().await;

    let (mut pair, mut socket) = open::<T>(Config::new(), 1000).await;
    socket.try_send(Message::binary(vec![9; 500_000])).unwrap();
    let taken = tokio::spawn(async { socket.into_inner().await.unwrap() });
    settle().await;
    assert!(!taken.is_finished(), "the peer has read nothing");
    let mut received = 0;
    loop {
        let (first, payload) = pair.recv().await;
        received += payload.len();
        if first & 0x80 != 0 {
            break;
        }
    }
    assert_eq!(received, 500_000);
    let talk = tokio::spawn(converse(taken.await.unwrap()));
    answer(&mut pair).await;
    talk.await.unwrap();
    pair.finish().await;
}

/// A part of a message cannot be put in front of the stream. The socket is returned unchanged, and
/// may try again.
async fn socket_is_returned_inside_a_message<T: Transport>() {
    let whole = frame(TEXT, &[b'x'; 300]);
    let fragments = [frame(0x01, b"xx"), frame(0x80, &[b'x'; 298])].concat();
    for (bytes, cut) in [
        (&whole, 1),
        (&whole, 3),
        (&whole, 8),
        (&whole, 150),
        (&fragments, 7),
        (&fragments, 8),
        (&fragments, 100),
    ] {
        let (mut pair, go) = driven::<T, _>(async |socket| {
            let error = socket.into_inner().await.unwrap_err();
            assert_eq!(error.to_string(), "part of a message has arrived");
            let mut socket = error.into_socket();
            socket.send("go on").await.unwrap();
            assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("x".repeat(300)));
            converse(socket.into_inner().await.unwrap()).await;
        })
        .await;
        pair.send_raw(&bytes[..cut]).await;
        settle().await;
        go.send(()).unwrap();
        assert_eq!(pair.recv_text().await, "go on", "{cut} bytes");
        pair.send_raw(&bytes[cut..]).await;
        answer(&mut pair).await;
        pair.finish().await;
    }
}

async fn closing_socket_is_returned<T: Transport>() {
    // The peer began to close.
    let (mut pair, go) = driven::<T, _>(async |socket| {
        let error = socket.into_inner().await.unwrap_err();
        assert_eq!(error.to_string(), "the connection is closing or closed");
        let mut socket = error.into_socket();
        assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("before"));
        assert!(socket.recv().await.unwrap().unwrap().is_close());
        assert!(socket.recv().await.is_none());
        assert_eq!(socket.close_info().unwrap().code(), 4000);
        // Even after an error, the connection is closed.
        assert!(socket.into_inner().await.is_err());
    })
    .await;
    pair.text("before").await;
    pair.send_close(4000, "").await;
    assert_eq!(pair.recv_close().await.0, 4000);
    pair.eof().await;
    go.send(()).unwrap();
    pair.finish().await;

    // This side began to close.
    let (mut pair, go) = driven::<T, _>(async |mut socket| {
        SinkExt::close(&mut socket).await.unwrap();
        let mut socket = socket.into_inner().await.unwrap_err().into_socket();
        assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("still"));
        assert!(socket.recv().await.unwrap().unwrap().is_close());
    })
    .await;
    go.send(()).unwrap();
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.text("still").await;
    pair.send_close(1000, "").await;
    pair.eof().await;
    pair.finish().await;
}

/// The connection is no longer maintained: pings and timeouts stop, and a shutdown only counts it.
async fn converted_stream_is_not_maintained<T: Transport>() {
    let (mut pair, go) =
        driven::<T, _>(async |socket| converse(socket.into_inner().await.unwrap()).await).await;
    go.send(()).unwrap();
    settle().await;
    pair.shutdown().start();
    assert!(timeout(Duration::from_secs(3600), pair.recv()).await.is_err(), "it is quiet");
    assert_eq!(pair.shutdown().connections(), 1);
    answer(&mut pair).await;
    pair.finish().await;
}

/// If the socket is idle, the stream is available at once.
async fn idle_socket_is_converted_at_once<T: Transport>() {
    let (mut pair, socket) = open::<T>(Config::new(), 1 << 20).await;
    let stream = at_once(socket.into_inner()).await.unwrap();
    let talk = tokio::spawn(converse(stream));
    answer(&mut pair).await;
    talk.await.unwrap();
    pair.finish().await;
}

/// The stream rejects messages larger than the socket's limits.
async fn converted_stream_keeps_the_limits<T: Transport>() {
    let config = Config::new().max_message_size(1000).max_frame_size(800);
    for (frames, is_taken) in [
        (vec![frame(BINARY, &[0; 800])], true),
        (vec![frame(BINARY, &[0; 801])], false),
        (vec![frame(0x02, &[0; 700]), frame(0x80, &[0; 300])], true),
        (vec![frame(0x02, &[0; 700]), frame(0x80, &[0; 301])], false),
    ] {
        let (mut pair, socket) = open::<T>(config.clone(), 1 << 20).await;
        let mut stream = at_once(socket.into_inner()).await.unwrap();
        pair.send_raw(&frames.concat()).await;
        assert_eq!(stream.next().await.unwrap().is_ok(), is_taken);
        drop(stream);
        pair.finish().await;
    }
}

/// It arrived in frames that are allowed, and became one that is not.
async fn message_received_in_advance_keeps_the_limit_of_frames<T: Transport>() {
    let (go, gone) = oneshot::channel::<()>();
    let config = Config::new().max_frame_size(1000).max_message_size(10_000);
    let mut pair = drive::<T, _>(config, async |socket: Socket<T>| {
        gone.await.unwrap();
        let mut stream = socket.into_inner().await.unwrap();
        assert_eq!(next(&mut stream).await, Message::text("é".repeat(900) + &"x".repeat(901)));
        assert_eq!(next(&mut stream).await, Message::Pong("late".into()));
        assert_eq!(next(&mut stream).await, Message::binary(vec![1; 1000]));
        converse(stream).await;
    })
    .await;
    pair.send(0x01, "é".repeat(450)).await;
    pair.send(0x00, "é".repeat(450)).await;
    pair.send(0x80, [b'x'; 901]).await;
    pair.send(PONG, "late").await;
    pair.send(BINARY, [1; 1000]).await;
    settle().await;
    go.send(()).unwrap();
    answer(&mut pair).await;
    pair.finish().await;
}

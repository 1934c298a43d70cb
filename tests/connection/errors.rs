//! Invalid frames end the connection with the right code (RFC 6455 §7.1.7).

use raw_client::{
    frame,
    whole::{BINARY, TEXT},
};
use tokio::sync::oneshot;
use tower_websocket::{Config, Error, Message, tungstenite::error::ProtocolError};

use crate::{
    pair::{Pair, Socket, drive, open},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    protocol_violations_end_with_1002,
    text_that_is_not_utf_8_ends_with_1007,
    malformed_text_fails_before_its_frame_is_whole,
    character_may_be_split_by_fragments,
    oversized_frames_end_with_1009,
    messages_sent_before_an_error_are_written,
    data_after_an_error_is_drained,
    stream_cut_inside_a_frame_gives_earlier_messages_and_one_error,
}

type Received = Vec<Result<Message, Error>>;

/// Opens a socket that collects everything that it receives.
async fn collect<T: Transport>(config: Config) -> (Pair<T>, oneshot::Receiver<Received>) {
    let (done, received) = oneshot::channel();
    let pair = drive::<T, _>(config, async |mut socket: Socket<T>| {
        let mut received = Vec::new();
        while let Some(message) = socket.recv().await {
            received.push(message);
        }
        assert!(socket.recv().await.is_none());
        done.send(received).unwrap();
    })
    .await;
    (pair, received)
}

/// Sends a valid message and then `bytes`. The peer receives `code`, then the application gets one
/// error.
async fn fails_with<T: Transport>(config: Config, bytes: &[u8], code: u16) -> Error {
    let (mut pair, received) = collect::<T>(config).await;
    pair.text("good").await;
    pair.send_raw(bytes).await;
    assert_eq!(pair.recv_close().await.0, code);
    pair.eof().await;
    let mut received = received.await.unwrap();
    pair.finish().await;
    assert_eq!(received.len(), 2, "{received:?}");
    assert_eq!(*received[0].as_ref().unwrap(), Message::text("good"));
    received.remove(1).unwrap_err()
}

async fn protocol_violations_end_with_1002<T: Transport>() {
    let mut unmasked = frame(TEXT, b"x");
    unmasked[1] &= 0x7f;
    for bytes in [
        frame(0xc1, b"rsv1"),
        frame(0xa1, b"rsv2"),
        frame(0x91, b"rsv3"),
        frame(0x83, b"reserved opcode"),
        frame(0x8b, b"reserved control"),
        frame(0x09, b"fragmented ping"),
        frame(0x89, &[0; 126]),
        frame(0x80, b"nothing to continue"),
        [frame(0x01, b"a"), frame(0x81, b"b")].concat(),
        frame(0x88, b"x"),
        unmasked,
    ] {
        let error = fails_with::<T>(Config::new(), &bytes, 1002).await;
        assert!(matches!(error, Error::Protocol(_)), "{error:?}");
    }
}

async fn text_that_is_not_utf_8_ends_with_1007<T: Transport>() {
    for bytes in [
        frame(TEXT, b"\xff"),
        frame(TEXT, b"cut \xc3"),
        [frame(0x01, b"cut \xc3"), frame(0x80, b"")].concat(),
        [frame(0x01, b"\xc3"), frame(0x80, b"\x28")].concat(),
        frame(0x88, b"\x03\xe8\xff"),
    ] {
        let error = fails_with::<T>(Config::new(), &bytes, 1007).await;
        assert!(matches!(error, Error::Utf8(_)), "{error:?}");
    }
}

async fn malformed_text_fails_before_its_frame_is_whole<T: Transport>() {
    let (mut pair, received) = collect::<T>(Config::new()).await;
    let whole = frame(TEXT, b"\xce\xba\xe1\xbd\xb9\xf4\x90\x80\x80edited");
    pair.send_raw(&whole[..whole.len() - 6]).await;
    assert_eq!(pair.recv_close().await.0, 1007);
    pair.eof().await;
    assert!(matches!(received.await.unwrap()[..], [Err(Error::Utf8(_))]));
    pair.finish().await;
}

async fn character_may_be_split_by_fragments<T: Transport>() {
    let (mut pair, received) = collect::<T>(Config::new()).await;
    let text = "κόσμε".as_bytes();
    for split in 0..text.len() {
        pair.send(0x01, &text[..split]).await;
        pair.send(0x80, &text[split..]).await;
    }
    pair.send_close(1000, "").await;
    pair.recv_close().await;
    let received = received.await.unwrap();
    assert_eq!(received.len(), text.len() + 1);
    for message in &received[..text.len()] {
        assert_eq!(*message.as_ref().unwrap(), Message::text("κόσμε"));
    }
    pair.finish().await;
}

async fn oversized_frames_end_with_1009<T: Transport>() {
    let config = || Config::new().max_message_size(1000).max_frame_size(600);
    for bytes in [
        frame(BINARY, &[0; 601]),
        frame(TEXT, &[b'x'; 601]),
        [frame(0x02, &[0; 600]), frame(0x80, &[0; 401])].concat(),
        [frame(0x01, &[b'x'; 600]), frame(0x80, &[b'x'; 401])].concat(),
        // A header alone is enough.
        vec![0x82, 0xff, 0, 0, 0x80, 0, 0, 0, 0, 0, 1, 2, 3, 4],
        vec![0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4],
    ] {
        let error = fails_with::<T>(config(), &bytes, 1009).await;
        assert!(matches!(error, Error::Capacity(_)), "{error:?}");
    }
    let (mut pair, received) = collect::<T>(config()).await;
    pair.send_raw(&[frame(0x02, &[0; 600]), frame(0x80, &[0; 400])].concat()).await;
    pair.send_close(1000, "").await;
    pair.recv_close().await;
    assert_eq!(received.await.unwrap()[0].as_ref().unwrap().len(), 1000);
    pair.finish().await;
}

/// A client sends a question and an invalid frame at once. It reads the answer first, with and
/// without a driver.
async fn messages_sent_before_an_error_are_written<T: Transport>() {
    async fn answer<T: Transport>(mut socket: Socket<T>) {
        let question = socket.recv().await.unwrap().unwrap();
        socket.send(question).await.unwrap();
        assert!(matches!(socket.recv().await, Some(Err(Error::Protocol(_)))));
        assert!(socket.recv().await.is_none());
    }
    for len in [0, 4, 300_000] {
        for is_driven in [true, false] {
            let question = vec![7; len];
            let bytes = [frame(BINARY, &question), frame(0x83, b"reserved opcode")].concat();
            let (mut pair, handler) = if is_driven {
                (drive::<T, _>(Config::new(), answer::<T>).await, None)
            } else {
                let (pair, socket) = open::<T>(Config::new(), 1 << 20).await;
                (pair, Some(tokio::spawn(answer::<T>(socket))))
            };
            pair.send_raw(&bytes).await;
            let mut echo = Vec::new();
            loop {
                let (first, payload) = pair.recv().await;
                echo.extend(payload);
                if first & 0x80 != 0 {
                    break;
                }
            }
            assert!(echo == question, "{} of {len} bytes, driven: {is_driven}", echo.len());
            assert_eq!(pair.recv_close().await.0, 1002);
            pair.eof().await;
            if let Some(handler) = handler {
                handler.await.unwrap();
            }
            pair.finish().await;
        }
    }
}

/// The rest of an oversized message must not reset the connection before the Close is read.
async fn data_after_an_error_is_drained<T: Transport>() {
    let (mut pair, received) = collect::<T>(Config::new()).await;
    pair.send_raw(&frame(BINARY, &vec![0; 2 << 20])[..3 << 10]).await;
    for _ in 0..100 {
        pair.send_raw(&[0; 64 << 10]).await;
    }
    assert_eq!(pair.recv_close().await.0, 1009);
    pair.eof().await;
    assert!(matches!(received.await.unwrap()[..], [Err(Error::Capacity(_))]));
    pair.finish().await;
}

async fn stream_cut_inside_a_frame_gives_earlier_messages_and_one_error<T: Transport>() {
    for cut in [1, 3, 6, 8] {
        let (mut pair, received) = collect::<T>(Config::new()).await;
        pair.text("one").await;
        pair.text("two").await;
        pair.send_raw(&frame(TEXT, b"three")[..cut]).await;
        pair.half_close().await;
        let received = received.await.unwrap();
        assert_eq!(received.len(), 3);
        assert_eq!(*received[1].as_ref().unwrap(), Message::text("two"));
        assert!(matches!(received[2], Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))));
        pair.eof().await;
        pair.finish().await;
    }
}

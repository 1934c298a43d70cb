//! Messages and ends of a stream of bytes.

use std::{
    io::{ErrorKind, IoSlice},
    time::Duration,
};

use raw_client::{
    frame,
    whole::{BINARY, PING, PONG, TEXT},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};
use tower_websocket::{Config, Error, Message, websocket::ByteStream};

use crate::pair::{Client, pair};

async fn stream() -> (Client, ByteStream<tokio::net::TcpStream>) {
    let (client, socket) = pair(Config::new()).await;
    (client, socket.into_byte_stream())
}

#[tokio::test]
async fn messages_are_read_as_bytes_in_any_pieces() {
    let (mut client, mut stream) = stream().await;
    for payload in ["abc", "", "defgh", "i"] {
        client.send(BINARY, payload).await;
        client.send(PING, "p").await;
    }
    let mut two = [0; 2];
    let mut read = Vec::new();
    while read.len() < 9 {
        let len = stream.read(&mut two).await.unwrap();
        assert!(len > 0);
        read.extend_from_slice(&two[..len]);
    }
    assert_eq!(read, b"abcdefghi");
    for _ in 0..4 {
        assert_eq!(client.recv().await, (PONG, b"p".to_vec()));
    }
    client.send(BINARY, "one\ntwo\nthr").await;
    client.send(BINARY, "ee\n").await;
    client.send_close(1000).await;
    let mut lines = Vec::new();
    let mut line = String::new();
    while stream.read_line(&mut line).await.unwrap() > 0 {
        lines.push(std::mem::take(&mut line));
    }
    assert_eq!(lines, ["one\n", "two\n", "three\n"]);
}

#[tokio::test]
async fn messages_received_before_are_read_first() {
    let (mut client, mut socket) = pair(Config::new()).await;
    for text in ["ask", "tell"] {
        client.send(TEXT, text).await;
    }
    client.send(BINARY, "bytes").await;
    client.send_close(1000).await;
    for text in ["ask", "tell"] {
        assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text(text));
    }
    socket.closed().await;
    let mut read = String::new();
    socket.into_byte_stream().read_to_string(&mut read).await.unwrap();
    assert_eq!(read, "bytes");
}

#[tokio::test]
async fn close_received_before_is_the_end() {
    let (mut client, mut socket) = pair(Config::new()).await;
    client.send_close(1001).await;
    assert!(socket.recv().await.unwrap().unwrap().is_close());
    let mut stream = socket.into_byte_stream();
    assert_eq!(timeout(Duration::from_secs(10), stream.read(&mut [0])).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn close_ends_reading_and_breaks_writing() {
    let (mut client, mut stream) = stream().await;
    client.send(BINARY, "last").await;
    client.send_close(4001).await;
    let mut read = String::new();
    stream.read_to_string(&mut read).await.unwrap();
    assert_eq!(read, "last");
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "it stays the end");
    assert_eq!(stream.close_info().unwrap().code(), 4001);
    assert_eq!(stream.write(b"late").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    stream.shutdown().await.unwrap();
    assert_eq!(client.recv_close().await, 4001);
    client.eof().await;
}

#[tokio::test]
async fn end_without_a_close_is_unexpected() {
    for (cut, expected) in [(&b""[..], "half"), (b"\x82", "half"), (b"\x82\x85\0\0\0\0abc", "halfabc")] {
        let (mut client, mut stream) = stream().await;
        client.send(BINARY, "half").await;
        client.send_raw(cut).await;
        client.0.shutdown().await.unwrap();
        let mut read = Vec::new();
        let error = stream.read_to_end(&mut read).await.unwrap_err();
        assert_eq!((error.kind(), &read[..]), (ErrorKind::UnexpectedEof, expected.as_bytes()), "{error}");
        assert_eq!(stream.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(stream.write(b"late").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}

#[tokio::test]
async fn text_is_rejected_with_1003() {
    let (mut client, mut stream) = stream().await;
    client.send(BINARY, "bytes").await;
    client.send(TEXT, "text").await;
    client.send(BINARY, "more").await;
    let mut read = Vec::new();
    let error = stream.read_to_end(&mut read).await.unwrap_err();
    assert_eq!((error.kind(), &read[..]), (ErrorKind::InvalidData, &b"bytes"[..]), "{error}");
    assert_eq!(stream.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::InvalidData);
    assert_eq!(stream.write(b"late").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(client.recv_close().await, 1003);
}

#[tokio::test]
async fn protocol_violation_is_invalid_data_with_the_sockets_error() {
    let (mut client, mut stream) = stream().await;
    // The bytes before it are returned first, and the error is complete.
    client.send_raw(&[&frame(BINARY, b"good")[..], b"\x82\x00"].concat()).await;
    assert_eq!(stream.read(&mut [0; 100]).await.unwrap(), 4);
    let error = stream.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let source = error.get_ref().unwrap().downcast_ref();
    assert!(matches!(source, Some(Error::Protocol(_))), "{source:?}");
    assert_eq!(client.recv_close().await, 1002);
}

#[tokio::test]
async fn shutdown_sends_a_close_and_reading_continues() {
    let (mut client, mut stream) = stream().await;
    stream.write_all(b"all of it").await.unwrap();
    stream.shutdown().await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(client.recv().await, (BINARY, b"all of it".to_vec()));
    assert_eq!(client.recv_close().await, 1000);
    assert_eq!(stream.write(b"late").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    client.send(BINARY, "still").await;
    client.send(BINARY, " here").await;
    client.send_close(1000).await;
    let mut read = String::new();
    stream.read_to_string(&mut read).await.unwrap();
    assert_eq!(read, "still here");
    client.eof().await;
}

/// A dropped stream has no task that flushes it.
#[tokio::test]
async fn written_data_is_sent_without_a_flush_before_the_close_of_a_drop() {
    let (mut client, mut stream) = stream().await;
    stream.write_all(b"now").await.unwrap();
    assert_eq!(client.recv().await, (BINARY, b"now".to_vec()));
    stream.write_all(b"then").await.unwrap();
    drop(stream);
    assert_eq!(client.recv().await, (BINARY, b"then".to_vec()));
    assert_eq!(client.recv_close().await, 1000);
}

#[tokio::test]
async fn small_writes_are_sent_in_one_frame() {
    let (mut client, mut stream) = stream().await;
    for _ in 0..1000 {
        stream.write_all(b"0123456789").await.unwrap();
    }
    stream.flush().await.unwrap();
    let mut frames: Vec<Vec<u8>> = Vec::new();
    while frames.concat().len() < 10_000 {
        let (first, payload) = client.recv().await;
        assert_eq!(first, BINARY);
        frames.push(payload);
    }
    assert!(frames.len() < 10, "{} frames", frames.len());
    assert_eq!(frames.concat(), b"0123456789".repeat(1000));
    let slices = [IoSlice::new(b"a"), IoSlice::new(b""), IoSlice::new(b"bc")];
    assert_eq!(stream.write_vectored(&slices).await.unwrap(), 3);
    assert_eq!(client.recv().await, (BINARY, b"abc".to_vec()));
}

#[tokio::test]
async fn frames_are_as_large_as_allowed() {
    for (max, expected) in [(None, 64 << 10), (Some(1 << 20), 64 << 10), (Some(1000), 1000)] {
        let (mut client, socket) = pair(Config::new().max_outgoing_frame_size(max)).await;
        let mut stream = socket.into_byte_stream();
        let source: Vec<_> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
        stream.write_all(&source).await.unwrap();
        let mut received = Vec::new();
        while received.len() < source.len() {
            let (first, payload) = client.recv().await;
            assert_eq!(first, BINARY);
            assert!(payload.len() <= expected && (!received.is_empty() || payload.len() == expected));
            received.extend(payload);
        }
        assert!(received == source);
    }
}

/// After a read has taken the available data, the reader may not poll again: a copy that waits for
/// its other side stops reading.
#[tokio::test]
async fn pings_are_answered_without_a_reader() {
    for is_driven in [false, true] {
        let (mut client, socket) = pair(Config::new()).await;
        client.send(BINARY, "abc").await;
        let read = async |mut stream: ByteStream<_>| {
            assert!(stream.read(&mut [0; 100]).await.unwrap() >= 3);
            std::future::pending::<()>().await;
        };
        let reading = if is_driven {
            let driver = socket.drive(async move |socket| read(socket.into_byte_stream()).await);
            tokio::spawn(async { driver.await.unwrap_or_default() })
        } else {
            tokio::spawn(async move { read(socket.into_byte_stream()).await })
        };
        for n in 0..5 {
            client.send(BINARY, "more").await;
            client.send(PING, [n]).await;
            let pong = timeout(Duration::from_secs(10), client.recv()).await.expect("a pong");
            assert_eq!(pong, (PONG, vec![n]));
        }
        reading.abort();
    }
}

#[tokio::test]
async fn dropped_read_loses_nothing() {
    let (mut client, mut stream) = stream().await;
    let mut read = Vec::new();
    for n in 0..100_u8 {
        let mut buffer = [0; 7];
        tokio::select! {
            biased;
            len = stream.read(&mut buffer) => read.extend_from_slice(&buffer[..len.unwrap()]),
            () = std::future::ready(()) => {}
        }
        client.send(BINARY, [n; 3]).await;
    }
    client.send_close(1000).await;
    stream.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, (0..100).flat_map(|n| [n; 3]).collect::<Vec<_>>());
}

#[tokio::test]
async fn slow_reader_makes_the_writer_wait_and_gets_everything() {
    const LEN: usize = 16 << 20;
    let (mut client, socket) = pair(Config::new().max_write_buffer_size(64 << 10)).await;
    let mut stream = socket.into_byte_stream();
    let mut written = 0;
    let source: Vec<_> = (0..LEN).map(|n| (n % 241) as u8).collect();
    while let Ok(len) = timeout(Duration::from_millis(200), stream.write(&source[written..])).await {
        written += len.unwrap();
        assert!(written < LEN, "writing never waits");
    }
    let writer = tokio::spawn({
        let rest = source[written..].to_vec();
        async move {
            stream.write_all(&rest).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    let mut received = Vec::new();
    while received.len() < LEN {
        if received.len() % (1 << 20) == 0 {
            sleep(Duration::from_millis(2)).await;
        }
        received.extend(client.recv().await.1);
    }
    assert!(received == source);
    assert_eq!(client.recv_close().await, 1000);
    writer.await.unwrap();
}

#[tokio::test]
async fn halves_read_and_write_on_two_tasks() {
    let (mut client, stream) = stream().await;
    let (mut reader, mut writer) = stream.into_split();
    let reading = tokio::spawn(async move {
        let mut read = Vec::new();
        reader.read_to_end(&mut read).await.unwrap();
        assert_eq!(reader.close_info().unwrap().code(), 1000);
        read.len()
    });
    let writing = tokio::spawn(async move {
        for _ in 0..100 {
            writer.write_all(&[1; 1000]).await.unwrap();
            tokio::task::yield_now().await;
        }
        // It is dropped: all data is sent, and then a Close.
    });
    let mut received = 0;
    while received < 100_000 {
        client.send(BINARY, [2; 10]).await;
        received += client.recv().await.1.len();
    }
    writing.await.unwrap();
    assert_eq!(client.recv_close().await, 1000);
    client.send(BINARY, "end").await;
    client.send_close(1000).await;
    assert_eq!(reading.await.unwrap() % 10, 3);
}

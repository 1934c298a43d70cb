//! Tests editors that read slowly or not at all, or send malformed messages, over TCP.

mod editor;

use std::{future::IntoFuture, net::SocketAddr};

use tokio::{
    net::TcpListener,
    time::{Duration, Instant},
};

use editor::Editor;

async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(tower_websocket::serve(listener, editing::app()).into_future());
    addr
}

/// Returns a value of 32 KiB.
fn value(n: usize) -> String {
    format!("{n:0>32768}")
}

#[tokio::test]
async fn slow_editor_gets_missed_changes_as_one() {
    let addr = serve().await;
    let mut slow = Editor::open(addr, "slow").await;
    let mut writer = Editor::open(addr, "writer").await;
    let mut reader = Editor::open(addr, "reader").await;
    for n in 0..200 {
        // The other editors do not wait for the slow one.
        writer.write(&value(n)).await;
        reader.reads(&value(n)).await;
    }
    slow.reads(&value(199)).await;
    assert!(reader.received > 200 * 32768);
    // The data in the system's buffers and in the write buffer, and one combined change.
    assert!(slow.received < 40 * 32768, "{} bytes", slow.received);
    // It still works as an editor.
    slow.write("slow").await;
    writer.reads("slow").await;
    reader.reads("slow").await;
    writer.write("done").await;
    slow.reads("done").await;
}

#[tokio::test]
async fn stalled_editor_is_closed_without_delaying_others() {
    let addr = serve().await;
    let mut stalled = Editor::open(addr, "stalled").await;
    let mut writer = Editor::open(addr, "writer").await;
    let mut reader = Editor::open(addr, "reader").await;
    while !reader.sees(stalled.id()) {
        reader.receive().await.unwrap();
    }
    let (start, mut last, mut longest) = (Instant::now(), 0, Duration::ZERO);
    while reader.sees(stalled.id()) {
        let now = Instant::now();
        last += 1;
        writer.write(&value(last)).await;
        reader.reads(&value(last)).await;
        longest = longest.max(now.elapsed());
        assert!(start.elapsed().as_secs() < 30, "the stalled editor is still there");
    }
    // It reads nothing after the first moments. The server checks every 5 s.
    assert!((5..20).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert!(longest.as_secs() < 5, "{longest:?}");
    let code = loop {
        if let Err(code) = stalled.receive().await {
            break code;
        }
    };
    assert_eq!(code, 1013);
    assert!(stalled.received < 40 * 32768, "{} bytes of {last} changes", stalled.received);
    assert!(last > 60);
}

#[tokio::test]
async fn malformed_messages_close_the_socket() {
    let addr = serve().await;
    let mut other = Editor::open(addr, "other").await;
    // A malformed update, an unknown message type, and a truncated message.
    for bytes in [&[0, 2, 3, 1, 2, 3][..], &[7, 0], &[0, 2]] {
        let mut wrong = Editor::open(addr, "wrong").await;
        wrong.send(bytes).await;
        let code = loop {
            if let Err(code) = wrong.receive().await {
                break code;
            }
        };
        assert_eq!(code, 4400, "{bytes:?}");
    }
    other.write("unharmed").await;
}

//! Tests editors that read slowly or not at all, or send malformed messages, over TCP.

mod editor;

use std::{future::IntoFuture, net::SocketAddr, time::Duration};

use tokio::{
    net::TcpListener,
    time::{Instant, timeout},
};

use editor::Editor;
use yrs::{
    sync::{Message, SyncMessage},
    updates::encoder::Encode,
};

/// Longer than a test takes on a busy machine.
const LONG: Duration = Duration::from_secs(600);

async fn serve(max_stall: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(tower_websocket::serve(listener, editing::app(max_stall)).into_future());
    addr
}

/// Returns a value of 32 KiB.
fn value(n: usize) -> String {
    format!("{n:0>32768}")
}

#[tokio::test]
async fn slow_editor_gets_missed_changes_as_one() {
    let addr = serve(LONG).await;
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
    // The others always read before they stall for this long, because their data fits into the
    // system's buffers.
    let max_stall = Duration::from_secs(1);
    let addr = serve(max_stall).await;
    let mut stalled = Editor::open(addr, "stalled").await;
    let mut writer = Editor::open(addr, "writer").await;
    let mut reader = Editor::open(addr, "reader").await;
    while !reader.sees(stalled.id()) {
        reader.receive().await.unwrap();
    }
    // It reads nothing from here on.
    let (start, mut last) = (Instant::now(), 0);
    let gone = timeout(Duration::from_secs(120), async {
        while reader.sees(stalled.id()) {
            last += 1;
            writer.write(&value(last)).await;
            reader.reads(&value(last)).await;
        }
    });
    gone.await.expect("the stalled editor leaves");
    assert!(start.elapsed() >= max_stall, "{:?}", start.elapsed());
    assert!(reader.received > last * 32768, "{} bytes of {last} changes", reader.received);
    let code = loop {
        if let Err(code) = stalled.receive().await {
            break code;
        }
    };
    assert_eq!(code, 1013);
    assert!(stalled.received < 40 * 32768, "{} bytes of {last} changes", stalled.received);
}

/// Returns how much memory this process has used at most, in KiB, or 0 if the system does not tell.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.map_or(0, |peak| peak.trim().trim_end_matches(" kB").parse().unwrap())
}

#[tokio::test]
async fn malformed_messages_close_the_socket() {
    let addr = serve(LONG).await;
    let mut other = Editor::open(addr, "other").await;
    // Arrays in arrays, in an otherwise valid update.
    let nested = [&[1, 1, 1, 0, 8, 1, 1, b'a', 1], &[117, 1].repeat(50_000)[..], &[126, 0]].concat();
    let nested = Message::Sync(SyncMessage::Update(nested)).encode_v1();
    // A malformed update, an unknown message type, a truncated message, and a state, an update and
    // an awareness that declare 2^28 entries or more but have none.
    for bytes in [
        &[0, 2, 3, 1, 2, 3][..],
        &[7, 0],
        &[0, 2],
        &[0, 0, 5, 0xff, 0xff, 0xff, 0xff, 1],
        &[0, 2, 5, 0xff, 0xff, 0xff, 0xff, 0],
        &[1, 5, 0xff, 0xff, 0xff, 0xff, 0],
        &nested,
    ] {
        let mut wrong = Editor::open(addr, "wrong").await;
        wrong.send(bytes).await;
        let code = loop {
            if let Err(code) = wrong.receive().await {
                break code;
            }
        };
        assert_eq!(code, 4400, "{:?}", &bytes[..bytes.len().min(20)]);
    }
    assert!(peak() < 500_000, "{} KiB", peak());
    other.write("unharmed").await;
}

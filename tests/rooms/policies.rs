//! Members that do not read.

use std::time::Duration;

use futures_util::FutureExt;
use raw_client::{
    read_frame,
    whole::{BINARY, CLOSE, PING},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    runtime::{Builder, Handle, Runtime},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tower_websocket::{
    CloseFrame, Config, Message, Receiver, Sender,
    rooms::{OnFull, Rooms, Sent},
    tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::member::{Member, in_memory, over_tcp, unsplit};

const SIZE: usize = 64 << 10;

/// More messages than the system buffers for a peer that does not read.
const MANY: usize = 4096;

fn config() -> Config {
    Config::new().max_write_buffer_size(2 * SIZE)
}

/// Returns a member whose pipe holds one message.
async fn member() -> Member<DuplexStream, DuplexStream> {
    in_memory(config(), SIZE, "").await
}

/// How long something that must happen may take on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// Returns a message that contains its number.
fn message(number: usize) -> Message {
    let mut payload = vec![0; SIZE];
    payload[..8].copy_from_slice(&(number as u64).to_be_bytes());
    Message::binary(payload)
}

/// Reads all available messages, and returns their numbers, and the Close if there is one.
async fn read(client: &mut (impl AsyncRead + Unpin), last: Option<usize>) -> (Vec<usize>, Option<Vec<u8>>) {
    let mut numbers = Vec::new();
    while last.is_none() || numbers.last() != last.as_ref() {
        let read = timeout(LONG, read_frame(client)).await.expect("there is more to come");
        match read {
            Some((BINARY, payload)) => {
                numbers.push(u64::from_be_bytes(*payload.first_chunk().unwrap()) as usize);
            }
            Some((CLOSE, payload)) => return (numbers, Some(payload)),
            Some((PING, _)) => {}
            other => panic!("{other:?}"),
        }
    }
    (numbers, None)
}

/// Sends numbered messages until one does not fit, because the IO accepts no more data for `slow`.
/// Returns its number.
async fn fill<IO>(rooms: &Rooms<u32>, slow: &Sender<IO>, fast: Option<&Sender<IO>>) -> usize
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    for next in 0..MANY {
        if rooms.send(&1, message(next)).full > 0 {
            return next;
        }
        while slow.stalled().is_none() && slow.flush().now_or_never().is_none() {
            sleep(Duration::from_millis(1)).await;
        }
        if let Some(fast) = fast {
            timeout(LONG, fast.flush()).await.expect("it reads").expect("it is open");
        }
    }
    panic!("there is always space");
}

/// Sends to room 2 once no message is kept any longer, and returns what arrives before.
async fn read_more(rooms: &Rooms<u32>, client: &mut DuplexStream) -> Vec<usize> {
    let sent = timeout(LONG, async {
        while rooms.send(&2, message(MANY + 1)).queued == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    });
    sent.await.expect("there is space again");
    let (mut numbers, _) = read(client, Some(MANY + 1)).await;
    numbers.pop();
    numbers
}

/// Drives a socket as a receiving handler does.
fn drive<IO>(mut receiver: Receiver<IO>) -> JoinHandle<()>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    tokio::spawn(async move { while let Some(Ok(_)) = receiver.recv().await {} })
}

fn counts(sent: Sent) -> (usize, usize, usize) {
    (sent.queued, sent.full, sent.closed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_member_is_skipped_and_others_get_everything() {
    // A peer that accepts nothing would be disconnected after a while.
    let config = config().keepalive_interval(None);
    let (mut slow, fast) = (over_tcp(config.clone()).await, over_tcp(config).await);
    let rooms = Rooms::<u32>::new();
    let _memberships = (rooms.join(1, &slow.sender, ()), rooms.join(1, &fast.sender, ()));
    let handlers = [drive(slow.receiver), drive(fast.receiver)];
    let mut client = fast.client;
    let reading = tokio::spawn(async move { read(&mut client, Some(MANY)).await });
    let full = fill(&rooms, &slow.sender, Some(&fast.sender)).await;
    for number in full + 1..full + 10 {
        // A kernel that enlarges its buffers late may still accept one.
        let sent = rooms.send(&1, message(number));
        assert_eq!((sent.queued + sent.full, sent.closed), (2, 0), "{sent:?}");
        timeout(LONG, fast.sender.flush()).await.expect("it reads").expect("it is open");
    }
    assert_eq!(rooms.send(&1, message(full + 10)).closed, 0);
    let reader = tokio::spawn(async move { read(&mut slow.client, Some(MANY)).await });
    // Once it reads, it gets messages again.
    let sent = timeout(LONG, async {
        while rooms.send(&1, message(MANY)).full > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    });
    sent.await.expect("there is space again");
    let (slow, fast) = (reader.await.unwrap().0, reading.await.unwrap().0);
    assert!(slow.starts_with(&(0..full).collect::<Vec<_>>()), "{slow:?}");
    assert!(!slow.contains(&full), "it was skipped: {slow:?}");
    assert!(fast.starts_with(&(0..full + 11).collect::<Vec<_>>()), "{fast:?}");
    handlers.iter().for_each(JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn stalled_member_is_closed_after_the_time() {
    const AFTER: Duration = Duration::from_millis(500);
    let mut slow = member().await;
    let rooms = Rooms::<u32>::new().on_full(OnFull::CloseAfter(AFTER));
    let _membership = rooms.join(1, &slow.sender, ());
    let handler = drive(slow.receiver);
    let full = fill(&rooms, &slow.sender, None).await;
    // It was full for less than the time.
    let stalled = slow.sender.stalled().expect("its IO accepts nothing");
    sleep(AFTER - stalled - Duration::from_millis(2)).await;
    assert_eq!(counts(rooms.send(&1, message(full))), (0, 1, 0));
    assert!(!slow.sender.is_closed());
    // It is full, and is closed because of that.
    sleep(Duration::from_millis(4)).await;
    assert_eq!(counts(rooms.send(&1, message(full + 1))), (0, 1, 0));
    assert!(slow.sender.is_closed());
    assert_eq!(counts(rooms.send(&1, message(full + 2))), (0, 0, 1));
    let (numbers, close) = read(&mut slow.client, None).await;
    assert_eq!(numbers, (0..full).collect::<Vec<_>>());
    assert_eq!(close.unwrap(), [&1013_u16.to_be_bytes()[..], b"reading too slowly"].concat());
    drop(slow.client);
    handler.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn first_missed_message_closes_without_a_time() {
    let mut slow = member().await;
    let rooms = Rooms::<u32>::new().on_full(OnFull::CloseAfter(Duration::ZERO));
    let _membership = rooms.join(1, &slow.sender, ());
    let handler = drive(slow.receiver);
    let full = fill(&rooms, &slow.sender, None).await;
    assert!(slow.sender.is_closed());
    let (numbers, close) = read(&mut slow.client, None).await;
    assert_eq!(numbers, (0..full).collect::<Vec<_>>());
    assert_eq!(close.unwrap(), [&1013_u16.to_be_bytes()[..], b"reading too slowly"].concat());
    drop(slow.client);
    handler.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn latest_message_of_a_room_is_kept_and_sent_later() {
    let mut slow = member().await;
    let rooms = Rooms::<u32>::new().on_full(OnFull::KeepLatest);
    let _memberships = (rooms.join(1, &slow.sender, ()), rooms.join(2, &slow.sender, ()));
    let handler = drive(slow.receiver);
    let full = fill(&rooms, &slow.sender, None).await;
    let last = full + 30;
    for number in full + 1..=last {
        assert_eq!(counts(rooms.send(&1, message(number))), (0, 1, 0));
        sleep(Duration::from_millis(2)).await;
    }
    // One for each room.
    assert_eq!(counts(rooms.send(&2, message(MANY))), (0, 1, 0));
    let (mut numbers, _) = read(&mut slow.client, Some(MANY)).await;
    // The rooms have no order.
    numbers.extend(read_more(&rooms, &mut slow.client).await);
    numbers.sort_unstable();
    assert_eq!(numbers, (0..full).chain([last, MANY]).collect::<Vec<_>>());
    handler.abort();
}

#[tokio::test(start_paused = true)]
async fn kept_message_is_dropped_with_the_membership() {
    let mut slow = member().await;
    let rooms = Rooms::<u32>::new().on_full(OnFull::KeepLatest);
    let stays = rooms.join(2, &slow.sender, ());
    let leaves = rooms.join(1, &slow.sender, ());
    let handler = drive(slow.receiver);
    let full = fill(&rooms, &slow.sender, None).await;
    assert_eq!(counts(rooms.send(&1, message(full + 1))), (0, 1, 0));
    drop(leaves);
    // It is kept as well, after that one.
    assert_eq!(rooms.send(&2, message(MANY)).closed, 0);
    let mut numbers = read(&mut slow.client, Some(MANY)).await.0;
    numbers.extend(read_more(&rooms, &mut slow.client).await);
    assert_eq!(numbers, (0..full).chain([MANY]).collect::<Vec<_>>());
    drop(stays);
    handler.abort();
}

/// It replaced the kept message, and was then dropped. With `CloseAfter`, it closed the socket.
#[tokio::test(start_paused = true)]
async fn invalid_message_does_not_concern_a_full_member() {
    for on_full in [OnFull::Skip, OnFull::CloseAfter(Duration::ZERO), OnFull::KeepLatest] {
        let mut slow = member().await;
        let rooms = Rooms::<u32>::new();
        let _membership = rooms.join(1, &slow.sender, ());
        let handler = drive(slow.receiver);
        let full = fill(&rooms, &slow.sender, None).await;
        let rooms = rooms.on_full(on_full);
        let is_kept = on_full == OnFull::KeepLatest;
        if is_kept {
            assert_eq!(counts(rooms.send(&1, message(full))), (0, 1, 0));
        }
        // It is not split, so it must fit into the write buffer.
        let raw = Frame::message(vec![0; 2 * SIZE + 1], OpCode::Data(Data::Binary), true);
        for invalid in [Message::Ping(vec![0; 126].into()), Message::Frame(raw)] {
            assert_eq!(counts(rooms.send(&1, invalid)), (0, 0, 1), "{on_full:?}");
        }
        assert!(!slow.sender.is_closed());
        let (numbers, _) = read(&mut slow.client, Some(full - usize::from(!is_kept))).await;
        assert_eq!(numbers, (0..full + usize::from(is_kept)).collect::<Vec<_>>(), "{on_full:?}");
        handler.abort();
    }
}

/// The task that waited for space waited on after the socket had left the room. A peer that did not
/// read, and joined and left again and again, was given one more task each time.
#[tokio::test(start_paused = true)]
async fn leaving_a_room_ends_the_wait_for_space() {
    let slow = member().await;
    let rooms = Rooms::<u32>::new().on_full(OnFull::KeepLatest);
    let _membership = rooms.join(1, &slow.sender, ());
    let handler = drive(slow.receiver);
    let full = fill(&rooms, &slow.sender, None).await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    // The second time, the socket leaves before the task that waits has begun.
    for begins in [true, false] {
        let membership = rooms.join(2, &slow.sender, ());
        let before = tasks();
        assert_eq!(counts(rooms.send(&2, message(full))), (0, 1, 0));
        assert_eq!(tasks(), before + 1);
        if begins {
            sleep(Duration::from_millis(1)).await;
        }
        drop(membership);
        sleep(Duration::from_millis(1)).await;
        assert_eq!(tasks(), before);
    }
    handler.abort();
}

fn paused() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// It waited in the sender's runtime. If that was not polled any more, nothing was sent to the
/// socket from then on. If it was dropped, so was the message.
#[test]
fn kept_message_is_sent_while_the_senders_runtime_rests() {
    for is_dropped in [false, true] {
        let (home, other) = (paused(), paused());
        let rooms = Rooms::<u32>::new().on_full(OnFull::KeepLatest);
        let (mut client, sender, _membership) = home.block_on(async {
            let (client, socket) = unsplit(config(), SIZE).await;
            let (opened, is_open) = oneshot::channel();
            tokio::spawn(socket.drive(|socket| async move {
                let (sender, mut receiver) = socket.split();
                opened.send(sender).unwrap();
                while let Some(Ok(_)) = receiver.recv().await {}
            }));
            let sender = is_open.await.unwrap();
            let membership = rooms.join(1, &sender, ());
            (client, sender, membership)
        });
        let full = other.block_on(fill(&rooms, &sender, None));
        let _other = (!is_dropped).then_some(other);
        let (numbers, _) = home.block_on(read(&mut client, Some(full)));
        assert_eq!(numbers, (0..=full).collect::<Vec<_>>());
        assert_eq!(counts(rooms.send(&1, message(full + 1))), (1, 0, 0));
    }
}

/// Without a driver, the message waits in the sender's runtime.
#[test]
fn room_sends_again_after_the_senders_runtime_was_dropped() {
    let (home, other) = (paused(), paused());
    let mut slow = home.block_on(member());
    let rooms = Rooms::<u32>::new().on_full(OnFull::KeepLatest);
    let _membership = rooms.join(1, &slow.sender, ());
    let full = other.block_on(fill(&rooms, &slow.sender, None));
    drop(other);
    home.block_on(async {
        let handler = drive(slow.receiver);
        let (numbers, _) = read(&mut slow.client, Some(full - 1)).await;
        assert_eq!(numbers, (0..full).collect::<Vec<_>>());
        assert_eq!(counts(rooms.send(&1, message(full + 1))), (1, 0, 0));
        assert_eq!(read(&mut slow.client, Some(full + 1)).await.0, [full + 1]);
        handler.abort();
    });
}

/// A kept message must not wait for a socket that has ended, nor be returned.
#[tokio::test(start_paused = true)]
async fn kept_message_is_dropped_with_the_connection() {
    let slow = member().await;
    let rooms = Rooms::<u32>::new().on_full(OnFull::KeepLatest);
    let _membership = rooms.join(1, &slow.sender, ());
    let handler = drive(slow.receiver);
    let full = fill(&rooms, &slow.sender, None).await;
    drop(slow.client);
    timeout(LONG, handler).await.unwrap().unwrap();
    let closed = timeout(LONG, async {
        while rooms.send(&1, message(full)).closed == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    });
    closed.await.expect("it is counted as closed once nothing is kept");
}

/// A Close was skipped, or was kept and then replaced.
#[tokio::test(start_paused = true)]
async fn close_reaches_a_full_member() {
    let close = CloseFrame { code: 4001.into(), reason: "logged out".into() };
    for on_full in [OnFull::Skip, OnFull::CloseAfter(Duration::from_secs(60)), OnFull::KeepLatest] {
        for reads in [true, false] {
            let second = Duration::from_secs(1);
            let config = config().keepalive_interval(second).keepalive_timeout(second).close_timeout(second);
            let mut slow = in_memory(config, SIZE, "").await;
            let rooms = Rooms::<u32>::new().on_full(on_full);
            let _membership = rooms.join(1, &slow.sender, ());
            let handler = drive(slow.receiver);
            let full = fill(&rooms, &slow.sender, None).await;
            assert_eq!(counts(rooms.send(&1, Message::Close(Some(close.clone())))), (1, 0, 0));
            assert!(slow.sender.is_closed());
            assert_eq!(counts(rooms.send(&1, message(full + 1))).0, 0);
            let begin = Instant::now();
            if reads {
                let (numbers, close) = read(&mut slow.client, None).await;
                assert_eq!(numbers, (0..full).collect::<Vec<_>>(), "{on_full:?}");
                assert_eq!(close.unwrap(), [&4001_u16.to_be_bytes()[..], b"logged out"].concat());
                drop(slow.client);
            }
            timeout(LONG, handler).await.expect("it is cut off").unwrap();
            // A peer that accepts nothing is cut off after the sum of the keepalive's times.
            let after = begin.elapsed();
            assert!(after <= 2 * second && reads == (after < second), "{on_full:?}: {after:?}");
        }
    }
}

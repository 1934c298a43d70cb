//! Members that do not read, over TCP.

use std::time::Duration;

use futures_util::FutureExt;
use raw_client::{
    read_frame,
    whole::{BINARY, CLOSE, PING},
};
use tokio::{
    net::TcpStream,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tower_websocket::{
    Config, Message, Sender,
    rooms::{OnFull, Rooms, Sent},
};

use crate::member::{Member, over_tcp};

const SIZE: usize = 64 << 10;

/// More messages than the system buffers for a peer that does not read.
const MANY: usize = 4096;

type TcpMember = Member<TcpStream, TcpStream>;

async fn member() -> TcpMember {
    over_tcp(Config::new().max_write_buffer_size(2 * SIZE)).await
}

/// Returns a message that contains its number.
fn message(number: usize) -> Message {
    let mut payload = vec![0; SIZE];
    payload[..8].copy_from_slice(&(number as u64).to_be_bytes());
    Message::binary(payload)
}

/// Reads all available messages, and returns their numbers, and the Close if there is one.
async fn read(client: &mut TcpStream, last: Option<usize>) -> (Vec<usize>, Option<Vec<u8>>) {
    let mut numbers = Vec::new();
    while last.is_none() || numbers.last() != last.as_ref() {
        let read = timeout(Duration::from_secs(20), read_frame(client)).await.expect("there is more to come");
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

/// Sends numbered messages until one does not fit, because the system accepts no more data for
/// `slow`. Returns its number.
async fn fill(rooms: &Rooms<u32>, slow: &Sender<TcpStream>, fast: Option<&Sender<TcpStream>>) -> usize {
    for next in 0..MANY {
        if rooms.send(&1, message(next)).full > 0 {
            return next;
        }
        while slow.stalled().is_none() && slow.flush().now_or_never().is_none() {
            sleep(Duration::from_millis(1)).await;
        }
        if let Some(fast) = fast {
            timeout(Duration::from_secs(20), fast.flush()).await.expect("it reads").expect("it is open");
        }
    }
    panic!("there is always space");
}

/// Drives a socket as a receiving handler does.
fn drive(receiver: tower_websocket::Receiver<TcpStream>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut receiver = receiver;
        while let Some(Ok(_)) = receiver.recv().await {}
    })
}

fn counts(sent: Sent) -> (usize, usize, usize) {
    (sent.delivered, sent.full, sent.closed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_member_is_skipped_and_others_get_everything() {
    let (mut slow, fast) = (member().await, member().await);
    let rooms = Rooms::<u32>::new();
    let _memberships = (rooms.join(1, &slow.sender, ()), rooms.join(1, &fast.sender, ()));
    let handlers = [drive(slow.receiver), drive(fast.receiver)];
    let mut client = fast.client;
    let reading = tokio::spawn(async move { read(&mut client, Some(MANY)).await });
    let full = fill(&rooms, &slow.sender, Some(&fast.sender)).await;
    for number in full + 1..full + 10 {
        // A kernel that enlarges its buffers late may still accept one.
        let sent = rooms.send(&1, message(number));
        assert_eq!((sent.delivered + sent.full, sent.closed), (2, 0), "{sent:?}");
        timeout(Duration::from_secs(20), fast.sender.flush()).await.expect("it reads").expect("it is open");
    }
    assert_eq!(rooms.send(&1, message(full + 10)).closed, 0);
    let reader = tokio::spawn(async move { read(&mut slow.client, Some(MANY)).await });
    // Once it reads, it gets messages again.
    loop {
        sleep(Duration::from_millis(20)).await;
        if rooms.send(&1, message(MANY)).full == 0 {
            break;
        }
    }
    let (slow, fast) = (reader.await.unwrap().0, reading.await.unwrap().0);
    assert!(slow.starts_with(&(0..full).collect::<Vec<_>>()), "{slow:?}");
    assert!(!slow.contains(&full), "it was skipped: {slow:?}");
    assert!(fast.starts_with(&(0..full + 11).collect::<Vec<_>>()), "{fast:?}");
    handlers.iter().for_each(JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stalled_member_is_closed_after_the_time() {
    const AFTER: Duration = Duration::from_millis(500);
    let mut slow = member().await;
    let rooms = Rooms::<u32>::new().on_full(OnFull::CloseAfter(AFTER));
    let _membership = rooms.join(1, &slow.sender, ());
    let handler = drive(slow.receiver);
    let full = fill(&rooms, &slow.sender, None).await;
    let stalled = slow.sender.stalled().unwrap_or_default();
    assert!(stalled >= AFTER || !slow.sender.is_closed());
    sleep(AFTER).await;
    // It is full, and is closed because of that.
    assert_eq!(counts(rooms.send(&1, message(full + 1))), (0, 1, 0));
    assert!(slow.sender.is_closed());
    assert_eq!(counts(rooms.send(&1, message(full + 2))), (0, 0, 1));
    let (numbers, close) = read(&mut slow.client, None).await;
    assert_eq!(numbers, (0..full).collect::<Vec<_>>());
    assert_eq!(close.unwrap(), [&1013_u16.to_be_bytes()[..], b"reading too slowly"].concat());
    drop(slow.client);
    handler.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latest_message_of_a_room_is_kept_and_sent_later() {
    let mut slow = member().await;
    let rooms = Rooms::<u32>::new().on_full(OnFull::KeepLatest);
    let _memberships = (rooms.join(1, &slow.sender, ()), rooms.join(2, &slow.sender, ()));
    let handler = drive(slow.receiver);
    let full = fill(&rooms, &slow.sender, None).await;
    let mut last = full;
    // The system may still accept some that were kept before.
    for number in full + 1..full + 30 {
        last = number;
        assert_eq!(rooms.send(&1, message(number)).closed, 0);
        sleep(Duration::from_millis(2)).await;
    }
    // One for each room.
    assert_eq!(counts(rooms.send(&2, message(MANY))), (0, 1, 0));
    let mut numbers = Vec::new();
    while !(numbers.contains(&last) && numbers.contains(&MANY)) {
        let next =
            timeout(Duration::from_secs(20), read_frame(&mut slow.client)).await.expect("a message is lost");
        match next.unwrap() {
            (BINARY, payload) => numbers.push(u64::from_be_bytes(*payload.first_chunk().unwrap()) as usize),
            (first, _) => assert_eq!(first, PING),
        }
    }
    let of_room = || numbers.iter().filter(|number| **number != MANY);
    assert!(of_room().is_sorted(), "{numbers:?}");
    assert!(of_room().count() < last, "nothing was left out: {numbers:?}");
    // No message is kept any longer.
    let sent = timeout(Duration::from_secs(10), async {
        while rooms.send(&1, message(MANY + 1)).delivered == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    });
    sent.await.expect("there is space again");
    assert_eq!(read(&mut slow.client, Some(MANY + 1)).await.1, None);
    handler.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_message_is_dropped_with_the_membership() {
    let mut slow = member().await;
    let rooms = Rooms::<u32>::new().on_full(OnFull::KeepLatest);
    let stays = rooms.join(2, &slow.sender, ());
    let leaves = rooms.join(1, &slow.sender, ());
    let handler = drive(slow.receiver);
    let full = fill(&rooms, &slow.sender, None).await;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(counts(rooms.send(&1, message(full + 1))), (0, 1, 0));
    drop(leaves);
    // It is kept as well, after that one.
    assert_eq!(rooms.send(&2, message(MANY)).closed, 0);
    let numbers = read(&mut slow.client, Some(MANY)).await.0;
    assert!(!numbers.contains(&(full + 1)), "{numbers:?}");
    drop(stays);
    handler.abort();
}

/// A kept message must not wait for a socket that has ended, nor be returned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_message_is_dropped_with_the_connection() {
    let slow = member().await;
    let rooms = Rooms::<u32>::new().on_full(OnFull::KeepLatest);
    let _membership = rooms.join(1, &slow.sender, ());
    let handler = drive(slow.receiver);
    let full = fill(&rooms, &slow.sender, None).await;
    drop(slow.client);
    timeout(Duration::from_secs(10), handler).await.unwrap().unwrap();
    let closed = timeout(Duration::from_secs(10), async {
        while rooms.send(&1, message(full)).closed == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    });
    closed.await.expect("it is counted as closed once nothing is kept");
}

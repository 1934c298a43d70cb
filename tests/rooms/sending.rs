//! Which members get a message.

use raw_client::{
    read_frame,
    whole::{CLOSE, TEXT},
};
use tokio::io::DuplexStream;
use tower_websocket::{
    CloseCode, CloseFrame, Config, Message,
    rooms::{Rooms, Sent},
};

use crate::member::{Member, in_memory, over_tcp};

async fn member() -> Member<DuplexStream, DuplexStream> {
    in_memory(Config::new(), 1 << 16, "").await
}

fn counts(sent: Sent) -> (usize, usize, usize) {
    (sent.queued, sent.full, sent.closed)
}

/// Writes the queued messages: these sockets have no driver.
async fn flush(member: &Member<DuplexStream, DuplexStream>) {
    member.sender.flush().await.unwrap();
}

#[tokio::test]
async fn message_goes_to_all_in_the_room_or_to_the_others() {
    let (mut ada, mut bob, mut eve) = (member().await, member().await, member().await);
    let rooms = Rooms::new();
    let in_room = rooms.join("a", &ada.sender, "Ada");
    let _bob = rooms.join("a", &bob.sender, "Bob");
    let _eve = rooms.join("b", &eve.sender, "Eve");
    assert_eq!(counts(rooms.send("a", "1")), (2, 0, 0));
    assert_eq!(counts(in_room.send("2")), (2, 0, 0));
    assert_eq!(counts(in_room.send_others("3")), (1, 0, 0));
    assert_eq!(counts(rooms.send("b", "4")), (1, 0, 0));
    assert_eq!(rooms.send("c", "5"), Sent::default());
    assert_eq!((in_room.room(), in_room.member()), (&"a", &"Ada"));
    for (member, expected) in [(&mut ada, &["1", "2"][..]), (&mut bob, &["1", "2", "3"]), (&mut eve, &["4"])]
    {
        flush(member).await;
        for text in expected {
            assert_eq!(member.text().await, *text);
        }
    }
}

#[tokio::test]
async fn message_to_a_member_reaches_all_its_sockets_in_the_room() {
    let (mut phone, mut laptop, mut bob) = (member().await, member().await, member().await);
    let rooms = Rooms::new();
    let _phone = rooms.join("a", &phone.sender, "Ada");
    let mut in_room = rooms.join("a", &laptop.sender, "Ada");
    let _elsewhere = rooms.join("b", &laptop.sender, "Ada");
    let _bob = rooms.join("a", &bob.sender, "Bob");
    assert_eq!(counts(rooms.send_to_member("a", &"Ada", "1")), (2, 0, 0));
    assert_eq!(rooms.send_to_member("a", &"Eve", "2"), Sent::default());
    assert_eq!(rooms.send_to_member("c", &"Ada", "3"), Sent::default());
    assert!(!in_room.leave());
    assert_eq!(counts(rooms.send_to_member("a", &"Ada", "4")), (1, 0, 0));
    rooms.send("a", "5");
    for (member, expected) in [(&mut phone, &["1", "4", "5"][..]), (&mut laptop, &["1"]), (&mut bob, &["5"])]
    {
        flush(member).await;
        for text in expected {
            assert_eq!(member.text().await, *text);
        }
    }
}

/// As with the room, the caller does not have to create a `String`.
#[tokio::test]
async fn member_and_room_may_be_borrowed() {
    let mut ada = member().await;
    let rooms = Rooms::<String, String>::new();
    let (room, name) = ("a".to_owned(), "Ada".to_owned());
    let _membership = rooms.join(room.clone(), &ada.sender, name.clone());
    assert_eq!(counts(rooms.send_to_member("a", "Ada", "1")), (1, 0, 0));
    assert_eq!(counts(rooms.send_to_member(&room, &name, "2")), (1, 0, 0));
    assert_eq!(counts(rooms.send_to_member("a", &*rooms.members("a")[0], "3")), (1, 0, 0));
    assert_eq!(rooms.send_to_member("a", "Bob", "4"), Sent::default());
    flush(&ada).await;
    for text in ["1", "2", "3"] {
        assert_eq!(ada.text().await, text);
    }
}

#[tokio::test]
async fn sockets_of_different_io_share_a_room() {
    let (mut here, mut there) = (member().await, over_tcp(Config::new()).await);
    let rooms = Rooms::<u32>::new();
    let _memberships = (rooms.join(7, &here.sender, ()), rooms.join(7, &there.sender, ()));
    assert_eq!(counts(rooms.send(&7, "hello")), (2, 0, 0));
    here.sender.flush().await.unwrap();
    there.sender.flush().await.unwrap();
    assert_eq!((here.text().await, there.text().await), ("hello".into(), "hello".into()));
}

#[tokio::test]
async fn room_exists_while_it_has_a_member() {
    let (ada, bob) = (member().await, member().await);
    let rooms = Rooms::new();
    assert_eq!((rooms.count(), rooms.sockets("a")), (0, 0));
    let first = rooms.join("a".to_owned(), &ada.sender, "Ada");
    let mut second = rooms.join("a".to_owned(), &bob.sender, "Bob");
    assert_eq!((rooms.count(), rooms.sockets("a")), (1, 2));
    drop(first);
    assert_eq!((rooms.count(), rooms.sockets("a")), (1, 1));
    assert!(second.leave());
    assert_eq!((rooms.count(), rooms.sockets("a")), (0, 0));
    assert_eq!(rooms.send("a", "nobody"), Sent::default());
}

#[tokio::test]
async fn first_and_last_socket_of_a_member_are_reported() {
    let (tab, other_tab, bob) = (member().await, member().await, member().await);
    let rooms = Rooms::new();
    let mut tab = rooms.join("a", &tab.sender, "Ada".to_owned());
    let mut other_tab = rooms.join("a", &other_tab.sender, "Ada".to_owned());
    let mut bob = rooms.join("a", &bob.sender, "Bob".to_owned());
    assert_eq!([&tab, &other_tab, &bob].map(|member| member.is_first()), [true, false, true]);
    assert_eq!([&tab, &other_tab, &bob].map(|member| member.is_last()), [false, false, true]);
    let mut members: Vec<_> = rooms.members("a").iter().map(|name| (**name).clone()).collect();
    members.sort();
    assert_eq!(members, ["Ada", "Bob"]);
    assert!(!tab.leave());
    assert!(other_tab.is_last() && other_tab.leave());
    assert_eq!(*rooms.members("a")[0], "Bob");
    assert!(bob.leave() && bob.is_last() && !bob.leave());
    assert_eq!((rooms.count(), counts(bob.send("nobody"))), (0, (0, 0, 0)));
}

#[tokio::test]
async fn closed_socket_is_counted_until_its_membership_is_dropped() {
    let (ada, bob) = (member().await, member().await);
    let rooms = Rooms::new();
    let _ada = rooms.join("a", &ada.sender, ());
    let gone = rooms.join("a", &bob.sender, ());
    bob.sender.close(CloseCode::NORMAL, "");
    assert_eq!(counts(rooms.send("a", "1")), (1, 0, 1));
    drop(gone);
    assert_eq!(counts(rooms.send("a", "2")), (1, 0, 0));
}

#[tokio::test]
async fn membership_keeps_the_connection_open_for_sending() {
    let Member { mut client, sender, mut receiver } = member().await;
    let rooms = Rooms::new();
    let membership = rooms.join("a", &sender, ());
    drop(sender);
    assert_eq!(counts(rooms.send("a", "1")), (1, 0, 0));
    drop(membership);
    tokio::spawn(async move { while let Some(Ok(_)) = receiver.recv().await {} });
    assert_eq!(read_frame(&mut client).await, Some((TEXT, b"1".to_vec())));
    assert_eq!(read_frame(&mut client).await, Some((CLOSE, 1000_u16.to_be_bytes().to_vec())));
}

#[tokio::test]
async fn close_reaches_all_sockets_of_a_room() {
    let (mut tab, mut other_tab) = (member().await, member().await);
    let rooms = Rooms::new();
    let _memberships = (rooms.join("Ada", &tab.sender, ()), rooms.join("Ada", &other_tab.sender, ()));
    let close = CloseFrame { code: 4000.into(), reason: "replaced".into() };
    assert_eq!(counts(rooms.send("Ada", Message::Close(Some(close)))), (2, 0, 0));
    for member in [&mut tab, &mut other_tab] {
        assert!(member.sender.is_closed());
        member.sender.flush().await.unwrap();
        let (first, payload) = read_frame(&mut member.client).await.unwrap();
        assert_eq!((first, &payload[..]), (CLOSE, &b"\x0f\xa0replaced"[..]));
    }
    assert_eq!(counts(rooms.send("Ada", "too late")), (0, 0, 2));
}

#[tokio::test]
async fn invalid_message_is_sent_to_no_socket() {
    let mut ada = member().await;
    let rooms = Rooms::new();
    let _membership = rooms.join("a", &ada.sender, ());
    assert_eq!(counts(rooms.send("a", Message::Ping(vec![0; 126].into()))), (0, 0, 1));
    assert_eq!(counts(rooms.send("a", "the next")), (1, 0, 0));
    flush(&ada).await;
    assert_eq!(ada.text().await, "the next");
}

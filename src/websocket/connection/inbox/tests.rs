use tungstenite::{Error, Message};

use super::{Inbox, LIMIT, OVERHEAD};

#[test]
fn messages_are_returned_in_order_and_free_their_space() {
    for len in [0, 1, 1000, LIMIT, 10 * LIMIT] {
        let mut inbox = Inbox::default();
        for _ in 0..3 {
            let mut count = 0;
            while inbox.has_space() {
                inbox.push(Message::binary(vec![count as u8; len]));
                count += 1;
            }
            assert_eq!(count, LIMIT.div_ceil(len + OVERHEAD));
            for n in 0..count {
                assert_eq!(inbox.pop(), Some(Message::binary(vec![n as u8; len])));
                assert!(inbox.has_space() || len > LIMIT);
            }
            assert!(inbox.is_empty() && inbox.pop().is_none() && inbox.messages.is_none());
        }
    }
}

#[test]
fn error_is_taken_once_and_survives_discarding_messages() {
    let mut inbox = Inbox::default();
    inbox.push(Message::text("a"));
    inbox.set_error(Error::ConnectionClosed);
    assert_eq!(inbox.clear(), [Message::text("a")]);
    assert!(inbox.is_empty() && inbox.has_space());
    assert!(inbox.take_error().is_some() && inbox.take_error().is_none());
}

use tungstenite::{Message, protocol::frame::coding::Data};

use super::{Compressor, Deflater};

#[test]
fn only_data_messages_from_the_threshold_on_are_compressed() {
    let mut deflater = Deflater::new(Some((Compressor::new(false, 1, 15), 100)));
    for (message, expected) in [
        (Message::text("x".repeat(100)), Some(Data::Text)),
        (Message::binary(vec![0; 100]), Some(Data::Binary)),
        (Message::text("x".repeat(99)), None),
        (Message::Ping(vec![0; 100].into()), None),
        (Message::Pong(vec![0; 100].into()), None),
        (Message::Close(None), None),
    ] {
        assert_eq!(deflater.applies(&message), expected.is_some(), "{message:?}");
        let compressed = deflater.compress(&message);
        assert_eq!(compressed.as_ref().map(|(opcode, _)| *opcode), expected);
        assert!(compressed.is_none_or(|(_, payload)| payload.len() < 100));
    }
    let mut off = Deflater::new(None);
    let message = Message::text("x".repeat(1000));
    assert!(!off.applies(&message) && off.compress(&message).is_none());
}

#[test]
fn standalone_result_equals_the_result_of_each_connection() {
    let message = Message::text("a message of some length, ".repeat(20));
    for (level, window_bits) in [(1, 15), (6, 9), (9, 12)] {
        let mut deflater = Deflater::new(Some((Compressor::new(false, level, window_bits), 100)));
        let standalone = deflater.standalone().unwrap();
        assert!(standalone.applies(&message) && !standalone.applies(&Message::text("short")));
        let compressed = standalone.compress(&message);
        assert!(compressed.is_some() && compressed == deflater.compress(&message));
    }
    assert_eq!(Deflater::new(Some((Compressor::new(true, 1, 15), 100))).standalone(), None);
    assert_eq!(Deflater::new(None).standalone(), None);
}

#[test]
fn deflater_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Deflater>();
}

use tungstenite::{
    Error, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::Gathered;

fn piece(kind: Data, payload: &'static str, is_final: bool) -> Frame {
    Frame::message(payload, OpCode::Data(kind), is_final)
}

#[test]
fn pieces_are_joined_to_a_message_of_the_first_pieces_kind() {
    for (kind, expected) in
        [(Data::Text, Message::text("aäb")), (Data::Binary, Message::binary("aäb".as_bytes()))]
    {
        let mut gathered = None;
        assert_eq!(Gathered::push(&mut gathered, &piece(kind, "aä", false), 4).unwrap(), None);
        let last = piece(Data::Continue, "b", true);
        assert_eq!(Gathered::push(&mut gathered, &last, 4).unwrap(), Some(expected));
        assert!(gathered.is_none());
    }
}

#[test]
fn size_limit_applies_to_the_sum_of_all_pieces() {
    let mut gathered = None;
    Gathered::push(&mut gathered, &piece(Data::Binary, "abc", false), 4).unwrap();
    let error = Gathered::push(&mut gathered, &piece(Data::Continue, "de", true), 4).unwrap_err();
    assert!(matches!(error, Error::Capacity(_)) && gathered.is_none());
}

//! The result of one decoding step.

use tungstenite::Message;

/// The result of one decoding step.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// A message. A Close has a valid code or none. A [`Message::Frame`] is a piece of a message:
    /// the first piece has the kind of the message, further pieces are continuations, and the last
    /// piece is final. A piece of a text consists of complete characters.
    Message(Message),
    /// A large binary message whose payload is the last bytes of the input, this many. It can be
    /// taken with the input's buffer, without a copy.
    Last(usize),
    /// A step was made, and another may follow.
    Progress,
    /// All of the input was used.
    Starved,
}

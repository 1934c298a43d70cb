//! The result of one decoding step.

use tungstenite::Message;

/// The result of one decoding step.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// A message. A Close has a valid code or none. A [`Message::Frame`] is a piece of a message:
    /// the first piece has the kind of the message, further pieces are continuations, and the last
    /// piece is final. A piece of a text consists of complete characters.
    Message(Message),
    /// A binary message that is large and ends the input: its last bytes, of this number. They can
    /// be taken out of their buffer without a copy.
    Last(usize),
    /// A step was made, and another may follow.
    Progress,
    /// All of the input was used.
    Starved,
}

//! A socket that counts.

use metrics::{counter, gauge};
use tower_websocket::{Error, Message, WebSocket, close::CloseInfo};

/// A socket that counts what goes over it, that it is open, and how it ended.
pub(crate) struct Metered(WebSocket);

impl Metered {
    pub(crate) fn new(socket: WebSocket) -> Self {
        counter!("websocket_accepted_total").increment(1);
        gauge!("websocket_open").increment(1);
        Self(socket)
    }

    pub(crate) async fn recv_data(&mut self) -> Option<Result<Message, Error>> {
        let received = self.0.recv_data().await;
        if let Some(Ok(message)) = &received {
            count("in", message);
        }
        received
    }

    pub(crate) async fn send(&mut self, message: Message) -> Result<(), Error> {
        // What fails to be sent is not counted; to count it before would need no clone, which costs no copy.
        let sent = message.clone();
        self.0.send(message).await.inspect(|()| count("out", &sent))
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        gauge!("websocket_open").decrement(1);
        // A handler that leaves before `recv_data` has said that it is over leaves with 1000, and does not wait to hear more.
        let code = self.0.close_info().map_or(1000, |ended: CloseInfo| ended.code());
        counter!("websocket_closed_total", "code" => code.to_string()).increment(1);
    }
}

fn count(direction: &'static str, message: &Message) {
    counter!("websocket_messages_total", "direction" => direction).increment(1);
    counter!("websocket_bytes_total", "direction" => direction).increment(message.len() as u64);
}

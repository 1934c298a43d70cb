//! Rooms of sockets: one message to many sockets, without waiting for any of them.
//!
//! ```
//! use tower_websocket::{WebSocket, rooms::Rooms};
//!
//! type Extra = (Rooms<String, String>, String, String);
//!
//! async fn talk(socket: WebSocket, (rooms, room, name): Extra) {
//!     let (sender, mut receiver) = socket.split();
//!     let mut membership = rooms.join(room, &sender, name);
//!     if membership.is_first() {
//!         membership.send_others(format!("{} is here", membership.member()));
//!     }
//!     while let Some(Ok(message)) = receiver.recv_data().await {
//!         membership.send_others(message);
//!     }
//!     if membership.leave() {
//!         membership.send(format!("{} has gone", membership.member()));
//!     }
//! }
//! # fn layer(handshake: impl tower_websocket::HandshakeService<Extra = Extra>) {
//! #     let _ = tower_websocket::WebSocketUpgradeLayer::new(handshake, talk);
//! # }
//! ```
//!
//! - **Keys.** A room exists while at least one socket is in it. The application chooses the keys,
//!   such as names of rooms, topics, or user ids. With one room per user that contains all sockets
//!   of the user, a direct message is a message to a room.
//! - **Members.** A member is the user behind a socket, who may have several sockets, such as one
//!   per browser tab. [`Membership::is_first`] and [`Membership::leave`] tell when the first of
//!   them joined and the last of them left.
//! - **Slow sockets.** Sending never waits. [`OnFull`] determines what happens if a socket's write
//!   buffer is full, and [`Sent`] counts these sockets.
//! - **Order.** Each socket receives the messages of one task in the order in which they were sent.
//!   Messages that several tasks send at the same time may reach different sockets in different
//!   orders, unless the application sends them under a lock. Sending, joining and leaving do not
//!   wait, so they may be done under a lock. Messages to other rooms or with other policies may
//!   overtake a message that [`OnFull::KeepLatest`] keeps.
//! - **Cost.** Joining and leaving take the same time in rooms of any size. Sending takes the
//!   calling thread a few tenths of a microsecond per socket. Other tasks do the writing, for a few
//!   sockets at a time.
//! - **Compression.** A message is compressed once for all sockets that compress it to the same
//!   bytes: those that negotiated the same window size and have
//!   [`Deflate::context_takeover`](crate::Deflate::context_takeover) turned off. For each other
//!   socket it is compressed separately.
//! - **Callbacks.** Destructors, wakers and IO run without a lock, so they may use the rooms.
//!   `Hash` and `Eq` of keys and members are called under a lock, and must not use the rooms.
//!
//! See also the guide's [page about rooms](crate::guide::rooms).

mod entry;
mod fan_out;
mod latest;
mod list;
mod membership;
mod on_full;
mod registry;
mod room;
#[expect(clippy::module_inception, reason = "it has the type of that name")]
mod rooms;
mod sent;
mod waiting;

pub use membership::Membership;
pub use on_full::OnFull;
pub use rooms::Rooms;
pub use sent::Sent;

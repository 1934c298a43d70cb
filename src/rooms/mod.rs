//! Sockets in rooms: one message to many sockets, without waiting for any.
//!
//! ```
//! use tower_websocket::{WebSocket, rooms::Rooms};
//!
//! async fn talk(socket: WebSocket, (rooms, room, name): (Rooms<String, String>, String, String)) {
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
//! # fn layer(handshake: impl tower_websocket::HandshakeService<Extra = (Rooms<String, String>, String, String)>) {
//! #     let _ = tower_websocket::WebSocketUpgradeLayer::new(handshake, talk);
//! # }
//! ```
//!
//! - **Keys.** A room is there as long as somebody is in it. What the keys are is up to the
//!   application: names of rooms, topics, or ids of users. With a room for each user, in which all
//!   of that user's sockets are, a direct message is a message to a room.
//! - **Members.** A member is who a socket is: a user has one for each tab.
//!   [`Membership::is_first`] and [`Membership::leave`] tell when the first came and the last went.
//! - **Slow sockets.** A message never waits. [`OnFull`] says what becomes of it where the write
//!   buffer is full, and [`Sent`] how often that was.
//! - **Order.** Each socket gets what one task sends in the order in which it was sent. What
//!   several tasks send at the same time may reach different sockets in different orders, unless
//!   the application sends under a lock of its own. Sending, joining and leaving do not wait, so
//!   they may be done under a lock.
//! - **Cost.** Joining and leaving take the same time in rooms of any size. Sending takes the
//!   calling thread some tenths of a microsecond for each socket, and the writing is done by other
//!   tasks, a few sockets at a time.
//! - **Compression.** A message is compressed once for all sockets that compress it to the same
//!   bytes: those that have agreed on the same window, where
//!   [`Deflate::context_takeover`](crate::Deflate::context_takeover) is off. For the others it is
//!   compressed for each.
//! - **Callbacks.** No lock is held while destructors, wakers and IO run, so they may use the
//!   rooms. `Hash` and `Eq` of keys and members are called under a lock, and must not.
//!
//! The guide has a [page](crate::guide::rooms) about rooms.

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

//! A room with its members and its history.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::StatusCode;
use tower_websocket::{
    CloseCode, CloseFrame, Message, Sender,
    rooms::{Membership, OnFull, Rooms},
};

use crate::event::{Event, Said};

/// The number of messages that are kept for new members.
const HISTORY: usize = 100;

/// Why a user is rejected.
pub(crate) type Refusal = (StatusCode, &'static str);

/// A room. Clones refer to the same room.
#[derive(Clone)]
pub(crate) struct Room {
    /// A member of `All` is identified by the name, a member of `Person` by the key.
    sockets: Rooms<To, String>,
    history: Arc<Mutex<VecDeque<Said>>>,
}

/// The recipients of a message.
#[derive(Clone, PartialEq, Eq, Hash)]
enum To {
    All,
    Person(String),
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { sockets: Rooms::new().on_full(OnFull::CloseAfter(Duration::ZERO)), history: Arc::default() }
    }

    /// Checks a user whose socket is not open yet.
    pub(crate) fn admit(&self, name: &str, key: &str) -> Result<Guest, Refusal> {
        let name = name.trim();
        if name.is_empty() {
            return Err((StatusCode::BAD_REQUEST, "a name is needed"));
        }
        if name.chars().count() > 24 || name.chars().any(char::is_control) || key.len() > 64 {
            return Err((StatusCode::BAD_REQUEST, "a name has at most 24 characters"));
        }
        let guest = Guest { room: self.clone(), name: name.to_owned(), key: key.to_owned() };
        if guest.is_taken() { Err((StatusCode::CONFLICT, "somebody here has that name")) } else { Ok(guest) }
    }

    /// Sending, joining and leaving do not wait, so they happen under the lock. All members receive
    /// the same messages in the same order.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Said>> {
        self.history.lock().expect("no panic under the lock")
    }
}

/// A user who may enter.
pub(crate) struct Guest {
    room: Room,
    name: String,
    key: String,
}

impl Guest {
    /// Returns whether another user has the name.
    fn is_taken(&self) -> bool {
        self.room.sockets.members(&To::Person(self.name.clone())).iter().any(|key| **key != self.key)
    }

    /// Enters the room once the socket is open: sends the new member the current state, and
    /// notifies the others. Returns `None` if another user took the name first.
    pub(crate) fn enter(self, sender: &Sender) -> Option<Seat> {
        let (sockets, person) = (&self.room.sockets, To::Person(self.name.clone()));
        let history = self.room.lock();
        if self.is_taken() {
            sender.close(CloseCode::POLICY_VIOLATION, "somebody here has that name");
            return None;
        }
        // The page has reconnected. If another page uses the same name and key, this code tells it
        // not to reconnect.
        let replaced = CloseFrame { code: 4000.into(), reason: "replaced".into() };
        sockets.send(&person, Message::Close(Some(replaced)));
        let own = sockets.join(person, sender, self.key);
        let all = sockets.join(To::All, sender, self.name);
        let mut people = sockets.members(&To::All);
        people.sort();
        let people = people.iter().map(|name| name.as_str()).collect();
        let _ = sender.try_send(message(&Event::Welcome { people, history: &history }));
        if all.is_first() {
            all.send(message(&Event::Joined { name: all.member() }));
        }
        drop(history);
        Some(Seat { room: self.room, all, _own: own })
    }
}

/// Membership in a room, until it is dropped.
pub(crate) struct Seat {
    room: Room,
    all: Membership<To, String>,
    _own: Membership<To, String>,
}

impl Seat {
    /// Sends a message to all members. The sender receives it too, which confirms delivery.
    pub(crate) fn say(&self, id: String, text: String) {
        let mut history = self.room.lock();
        let text = text.trim();
        let is_heard = history.iter().any(|said| said.id == id);
        if is_heard || text.is_empty() || id.len() > 64 {
            return;
        }
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let said = Said { id, from: self.all.member().clone(), text: text.to_owned(), at: at as u64 };
        self.all.send(message(&Event::Said(&said)));
        if history.len() == HISTORY {
            history.pop_front();
        }
        history.push_back(said);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _history = self.room.lock();
        if self.all.leave() {
            self.all.send(message(&Event::Left { name: self.all.member() }));
        }
    }
}

fn message(event: &Event<'_>) -> Message {
    Message::text(serde_json::to_string(event).expect("an event has JSON"))
}

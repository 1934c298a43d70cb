//! A room: who is in it, and what was said.

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

/// How much of what was said is kept for those who come later.
const HISTORY: usize = 100;

/// Why somebody is not let in.
pub(crate) type Refusal = (StatusCode, &'static str);

/// A room. Clones are the same room.
#[derive(Clone)]
pub(crate) struct Room {
    /// A member of `All` is a name, one of `Person` the key that goes with it.
    sockets: Rooms<To, String>,
    history: Arc<Mutex<VecDeque<Said>>>,
}

/// Whom a message goes to.
#[derive(Clone, PartialEq, Eq, Hash)]
enum To {
    All,
    Person(String),
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { sockets: Rooms::new().on_full(OnFull::CloseAfter(Duration::ZERO)), history: Arc::default() }
    }

    /// Lets somebody in, whose socket is not open yet.
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

    /// Sending, joining and leaving do not wait, so they are done under the lock: all hear the same
    /// in the same order.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Said>> {
        self.history.lock().expect("no panic under the lock")
    }
}

/// Somebody who may come in.
pub(crate) struct Guest {
    room: Room,
    name: String,
    key: String,
}

impl Guest {
    /// Whether somebody else has the name.
    fn is_taken(&self) -> bool {
        self.room.sockets.members(&To::Person(self.name.clone())).iter().any(|key| **key != self.key)
    }

    /// The socket is open: it gets to know what there is, and the others that there is one more.
    /// `None` if somebody else with that name was faster.
    pub(crate) fn enter(self, sender: &Sender) -> Option<Seat> {
        let (sockets, person) = (&self.room.sockets, To::Person(self.name.clone()));
        let history = self.room.lock();
        if self.is_taken() {
            sender.close(CloseCode::POLICY_VIOLATION, "somebody here has that name");
            return None;
        }
        // The page has come back. Should another one have its name and key, that knows by the code
        // that it must not come back.
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

/// Somebody in a room, as long as it lives.
pub(crate) struct Seat {
    room: Room,
    all: Membership<To, String>,
    _own: Membership<To, String>,
}

impl Seat {
    /// Tells all, the speaker too: so the page knows that it was heard.
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

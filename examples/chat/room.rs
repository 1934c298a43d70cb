//! A room with its members and its history.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::StatusCode;
use serde::Deserialize;
use tower_websocket::{
    CloseCode, CloseFrame, Message, Sender,
    rooms::{Membership, OnFull, Rooms},
};

use crate::event::{Event, Said, recent};

/// The number of messages that are kept for new members.
const HISTORY: usize = 100;

/// Why a user is rejected.
pub(crate) type Refusal = (StatusCode, &'static str);

/// A user. The key distinguishes a page that reconnects from another page with the same name.
#[derive(Clone, Deserialize, PartialEq, Eq, Hash)]
pub(crate) struct Person {
    name: String,
    key: String,
}

/// A room. Clones refer to the same room.
#[derive(Clone)]
pub(crate) struct Room {
    sockets: Rooms<(), Person>,
    /// Sending, joining and leaving do not wait, so they happen under this lock. All members
    /// receive the same messages in the same order.
    history: Arc<Mutex<VecDeque<Said>>>,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { sockets: Rooms::new().on_full(OnFull::CloseAfter(Duration::ZERO)), history: Arc::default() }
    }

    /// Checks a user whose socket is not open yet.
    pub(crate) fn admit(&self, mut person: Person) -> Result<Person, Refusal> {
        person.name = person.name.trim().to_owned();
        if person.name.is_empty() {
            return Err((StatusCode::BAD_REQUEST, "a name is needed"));
        }
        let is_long = person.name.chars().count() > 24 || person.key.len() > 64;
        if is_long || person.name.chars().any(char::is_control) {
            return Err((StatusCode::BAD_REQUEST, "a name has at most 24 characters"));
        }
        if self.is_taken(&person) { Err((StatusCode::CONFLICT, TAKEN)) } else { Ok(person) }
    }

    /// Returns whether another user has the name.
    fn is_taken(&self, person: &Person) -> bool {
        self.sockets.members(&()).iter().any(|other| other.name == person.name && other.key != person.key)
    }

    /// Adds an open socket: sends it the current state, and notifies the others. Returns `None` if
    /// another user took the name first.
    pub(crate) fn enter(&self, sender: &Sender, person: Person) -> Option<Seat> {
        let history = self.lock();
        if self.is_taken(&person) {
            sender.close(CloseCode::POLICY_VIOLATION, TAKEN);
            return None;
        }
        // The page has reconnected. If another page uses the same name and key, this code tells it
        // not to reconnect.
        let replaced = CloseFrame { code: 4000.into(), reason: "replaced".into() };
        self.sockets.send_to_member(&(), &person, Message::Close(Some(replaced)));
        let membership = self.sockets.join((), sender, person);
        let members = self.sockets.members(&());
        let mut people: Vec<_> = members.iter().map(|person| &*person.name).collect();
        people.sort();
        let _ = sender.try_send(Event::Welcome { people, history: recent(&history) });
        if membership.is_first() {
            membership.send(Event::Joined { name: &membership.member().name });
        }
        Some(Seat { room: self.clone(), membership })
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Said>> {
        self.history.lock().expect("no panic under the lock")
    }
}

const TAKEN: &str = "somebody here has that name";

/// A socket in the room, until it is dropped.
pub(crate) struct Seat {
    room: Room,
    membership: Membership<(), Person>,
}

impl Seat {
    /// Sends a message to all members. The sender receives it too, which confirms delivery.
    pub(crate) fn say(&self, id: String, text: &str) {
        let mut history = self.room.lock();
        let is_heard = history.iter().any(|said| said.id == id);
        if is_heard || text.is_empty() || id.len() > 64 {
            return;
        }
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let said = Said { id, from: self.membership.member().name.clone(), text: text.to_owned(), at };
        self.membership.send(Event::Said(&said));
        if history.len() == HISTORY {
            history.pop_front();
        }
        history.push_back(said);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _history = self.room.lock();
        if self.membership.leave() {
            self.membership.send(Event::Left { name: &self.membership.member().name });
        }
    }
}

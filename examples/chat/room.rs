//! A room: who is in it, and what was said.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{SystemTime, UNIX_EPOCH},
};

use http::StatusCode;
use tower_websocket::{CloseCode, Message, Sender, websocket::TrySendError};

use crate::event::{Event, Said};

/// How much of what was said is kept for those who come later.
const HISTORY: usize = 100;

/// Why somebody is not let in.
pub(crate) type Refusal = (StatusCode, &'static str);

/// A room. Clones are the same room.
#[derive(Clone, Default)]
pub(crate) struct Room(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    people: BTreeMap<String, Person>,
    history: VecDeque<Said>,
}

struct Person {
    key: String,
    /// How many seats have this name: more than one while a page that came back replaces its lost socket.
    seats: usize,
    /// `None` until the socket is open.
    sender: Option<Sender>,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Reserves a name until the seat is dropped.
    pub(crate) fn reserve(&self, name: &str, key: &str) -> Result<Seat, Refusal> {
        let name = name.trim();
        if name.is_empty() {
            return Err((StatusCode::BAD_REQUEST, "a name is needed"));
        }
        if name.chars().count() > 24 || name.chars().any(char::is_control) || key.len() > 64 {
            return Err((StatusCode::BAD_REQUEST, "a name has at most 24 characters"));
        }
        let mut state = self.lock();
        let person = state.people.entry(name.to_owned()).or_insert_with(|| Person {
            key: key.to_owned(),
            seats: 0,
            sender: None,
        });
        if person.key != key {
            return Err((StatusCode::CONFLICT, "somebody here has that name"));
        }
        person.seats += 1;
        Ok(Seat { room: self.clone(), name: name.to_owned() })
    }

    /// Nothing that is done under the lock waits.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic under the lock")
    }
}

/// A name in a room, as long as it lives.
pub(crate) struct Seat {
    room: Room,
    name: String,
}

impl Seat {
    /// The socket is open: it gets to know what there is, and the others that there is one more.
    pub(crate) fn take(&self, sender: Sender) {
        let mut state = self.room.lock();
        let person = state.people.get_mut(&self.name).expect("a seat has its person");
        let replaced = person.sender.replace(sender.clone());
        let people = state.present().map(|(name, _)| name.as_str()).collect();
        let welcome = Event::Welcome { people, history: &state.history };
        let _ = sender.try_send(message(&welcome));
        match replaced {
            // The page knows by this that it must not come back.
            Some(old) => old.close(CloseCode::application(4000), "replaced"),
            None => state.tell(&Event::Joined { name: &self.name }),
        }
    }

    /// Tells all, the speaker too: so the page knows that it was heard.
    pub(crate) fn say(&self, id: String, text: String) {
        let mut state = self.room.lock();
        let text = text.trim();
        let is_heard = state.history.iter().any(|said| said.id == id);
        if is_heard || text.is_empty() || id.len() > 64 {
            return;
        }
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let said = Said { id, from: self.name.clone(), text: text.to_owned(), at: at as u64 };
        state.tell(&Event::Said(&said));
        if state.history.len() == HISTORY {
            state.history.pop_front();
        }
        state.history.push_back(said);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.room.lock();
        let person = state.people.get_mut(&self.name).expect("a seat has its person");
        person.seats -= 1;
        if person.seats > 0 {
            return;
        }
        let was_present = person.sender.is_some();
        state.people.remove(&self.name);
        if was_present {
            state.tell(&Event::Left { name: &self.name });
        }
    }
}

impl State {
    fn present(&self) -> impl Iterator<Item = (&String, &Sender)> {
        self.people.iter().filter_map(|(name, person)| Some((name, person.sender.as_ref()?)))
    }

    /// Tells all, without waiting for any.
    fn tell(&self, event: &Event<'_>) {
        // Clones of a message share its bytes.
        let message = message(event);
        for (_, sender) in self.present() {
            if let Err(TrySendError::Full(_)) = sender.try_send(message.clone()) {
                sender.close(CloseCode::TRY_AGAIN_LATER, "reading too slowly");
            }
        }
    }
}

fn message(event: &Event<'_>) -> Message {
    Message::text(serde_json::to_string(event).expect("an event has JSON"))
}

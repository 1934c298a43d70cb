//! What one process knows of a room: values to values, nothing waits.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tower_websocket::{CloseCode, Message, Sender, websocket::TrySendError};

use crate::event::{Event, Presence, Said};

/// How much of what was said is kept for those who come later.
const HISTORY: usize = 100;

/// A process that has said nothing for so long is gone.
const FORGET: Duration = Duration::from_secs(7);

#[derive(Default)]
pub(crate) struct State {
    /// Who is at this process.
    pub(crate) people: BTreeMap<String, Person>,
    /// Who is at the others, and when they last said so.
    elsewhere: HashMap<String, (Vec<Presence>, Instant)>,
    pub(crate) history: VecDeque<Said>,
}

pub(crate) struct Person {
    pub(crate) key: String,
    pub(crate) since: u64,
    /// How many seats have this name: more than one while a page that came back replaces its lost socket.
    pub(crate) seats: usize,
    /// `None` until the socket is open.
    pub(crate) sender: Option<Sender>,
}

impl State {
    /// The key with which somebody has this name, here or elsewhere.
    pub(crate) fn key_of(&self, name: &str) -> Option<&str> {
        let here = self.people.get(name).map(|person| &*person.key);
        let presences = || self.elsewhere.values().flat_map(|(people, _)| people);
        here.or_else(|| presences().find(|person| person.name == name).map(|person| &*person.key))
    }

    /// Who is at this process, for the others.
    pub(crate) fn presences(&self) -> Vec<Presence> {
        let present = self.people.iter().filter(|(_, person)| person.sender.is_some());
        let presence = |(name, person): (&String, &Person)| Presence {
            name: name.clone(),
            key: person.key.clone(),
            since: person.since,
        };
        present.map(presence).collect()
    }

    /// Who is there, at whatever process.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let here = self.people.iter().filter(|(_, person)| person.sender.is_some()).map(|(name, _)| name);
        let elsewhere = self.elsewhere.values().flat_map(|(people, _)| people).map(|person| &person.name);
        here.chain(elsewhere).cloned().collect()
    }

    /// Changes who is there, and tells of those who joined and left by it.
    pub(crate) fn change<R>(&mut self, change: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.names();
        let result = change(self);
        let after = self.names();
        for name in after.difference(&before) {
            self.tell(&Event::Joined { name });
        }
        for name in before.difference(&after) {
            self.tell(&Event::Left { name });
        }
        result
    }

    /// Another process says who is there.
    pub(crate) fn present(&mut self, process: String, people: Vec<Presence>) {
        for other in &people {
            let replaced = |person: &&mut Person| person.key == other.key && person.since < other.since;
            if let Some(person) = self.people.get_mut(&other.name).filter(replaced) {
                person.replace(None);
            }
        }
        self.change(|state| state.elsewhere.insert(process, (people, Instant::now())));
    }

    /// Forgets the processes that have gone without a word.
    pub(crate) fn forget(&mut self) {
        self.change(|state| state.elsewhere.retain(|_, (_, seen)| seen.elapsed() < FORGET));
    }

    /// Keeps what was said, and tells it, if it is new.
    pub(crate) fn hear(&mut self, said: Said) {
        if self.history.iter().any(|known| known.id == said.id) {
            return;
        }
        self.tell(&Event::Said(&said));
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(said);
    }

    /// Tells all who are at this process, without waiting for any.
    fn tell(&self, event: &Event<'_>) {
        // Clones of a message share its bytes.
        let message = message(event);
        for sender in self.people.values().filter_map(|person| person.sender.as_ref()) {
            if let Err(TrySendError::Full(_)) = sender.try_send(message.clone()) {
                sender.close(CloseCode::TRY_AGAIN_LATER, "reading too slowly");
            }
        }
    }
}

impl Person {
    /// Puts another socket, or one at another process, in the place of this one.
    pub(crate) fn replace(&mut self, sender: Option<Sender>) {
        let is_elsewhere = sender.is_none();
        let old =
            if is_elsewhere { self.sender.clone() } else { std::mem::replace(&mut self.sender, sender) };
        if let Some(old) = old {
            // The page knows by this that it must not come back.
            old.close(CloseCode::application(4000), "replaced");
        }
    }
}

pub(crate) fn message(event: &Event<'_>) -> Message {
    Message::text(serde_json::to_string(event).expect("an event has JSON"))
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

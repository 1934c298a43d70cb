//! What one process knows of a room: values to values, nothing waits.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tower_websocket::{
    CloseFrame, Message,
    rooms::{OnFull, Rooms},
};

use crate::event::{Event, Presence, Said};

/// How much of what was said is kept for those who come later.
const HISTORY: usize = 100;

/// A process that has said nothing for so long is gone.
const FORGET: Duration = Duration::from_secs(7);

pub(crate) struct State {
    /// The sockets at this process.
    pub(crate) sockets: Rooms<To>,
    /// Who is at this process.
    pub(crate) people: BTreeMap<String, Person>,
    /// Who is at the others, and when they last said so.
    elsewhere: HashMap<String, (Vec<Presence>, Instant)>,
    pub(crate) history: VecDeque<Said>,
}

/// Whom at this process a message goes to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum To {
    All,
    Person(String),
}

pub(crate) struct Person {
    pub(crate) key: String,
    pub(crate) since: u64,
    /// How many seats have this name: more than one while a page that came back replaces its lost
    /// socket.
    pub(crate) seats: usize,
    /// Whether a socket is open.
    pub(crate) is_present: bool,
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
        let present = self.people.iter().filter(|(_, person)| person.is_present);
        let presence = |(name, person): (&String, &Person)| Presence {
            name: name.clone(),
            key: person.key.clone(),
            since: person.since,
        };
        present.map(presence).collect()
    }

    /// Who is there, at whatever process.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let here = self.people.iter().filter(|(_, person)| person.is_present).map(|(name, _)| name);
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
            let is_replaced = |person: &&Person| person.key == other.key && person.since < other.since;
            if self.people.get(&other.name).is_some_and(|person| is_replaced(&person)) {
                self.replace(&other.name);
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
        self.sockets.send(&To::All, message(event));
    }

    /// Closes somebody's sockets, in whose place there is another one, here or elsewhere.
    pub(crate) fn replace(&self, name: &str) {
        // The page knows by this that it must not come back.
        let replaced = CloseFrame { code: 4000.into(), reason: "replaced".into() };
        self.sockets.send(&To::Person(name.to_owned()), Message::Close(Some(replaced)));
    }
}

impl Default for State {
    fn default() -> Self {
        // One who reads too slowly is closed, comes back, and gets the history.
        let sockets = Rooms::new().on_full(OnFull::CloseAfter(Duration::ZERO));
        let (people, elsewhere, history) = Default::default();
        Self { sockets, people, elsewhere, history }
    }
}

pub(crate) fn message(event: &Event<'_>) -> Message {
    Message::text(serde_json::to_string(event).expect("an event has JSON"))
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

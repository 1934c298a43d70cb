//! The state of a room in one process: functions from values to values, without waiting.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tower_websocket::{
    CloseFrame, Message,
    rooms::{OnFull, Rooms},
};

use crate::event::{Event, Presence, Said};

/// The number of messages that are kept for new members.
const HISTORY: usize = 100;

/// A process that has published nothing for this long is considered gone.
const FORGET: Duration = Duration::from_secs(7);

pub(crate) struct State {
    /// The sockets at this process, by the names of their members.
    pub(crate) sockets: Rooms<(), String>,
    /// The members at this process.
    pub(crate) people: BTreeMap<String, Person>,
    /// The members at the other processes, and when each process last published them.
    elsewhere: HashMap<String, (Vec<Presence>, Instant)>,
    pub(crate) history: VecDeque<Said>,
}

pub(crate) struct Person {
    pub(crate) key: String,
    /// When the last socket was opened, in milliseconds since 1970. `None` if none was.
    pub(crate) since: Option<u64>,
    /// The number of seats with this name. It is more than one while a page that reconnected
    /// replaces its lost socket.
    pub(crate) seats: usize,
}

impl State {
    /// Returns the key of the user with this name, here or at another process.
    pub(crate) fn key_of(&self, name: &str) -> Option<&str> {
        let here = self.people.get(name).map(|person| &*person.key);
        let presences = || self.elsewhere.values().flat_map(|(people, _)| people);
        here.or_else(|| presences().find(|person| person.name == name).map(|person| &*person.key))
    }

    /// Returns the user with this name, who has a seat at this process.
    pub(crate) fn person(&mut self, name: &str) -> &mut Person {
        self.people.get_mut(name).expect("a seat has its person")
    }

    /// Returns the members at this process, for the other processes.
    pub(crate) fn presences(&self) -> Vec<Presence> {
        let presence = |(name, person): (&String, &Person)| {
            Some(Presence { name: name.clone(), key: person.key.clone(), since: person.since? })
        };
        self.people.iter().filter_map(presence).collect()
    }

    /// Returns the members at all processes.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let here = self.people.iter().filter(|(_, person)| person.since.is_some()).map(|(name, _)| name);
        let elsewhere = self.elsewhere.values().flat_map(|(people, _)| people).map(|person| &person.name);
        here.chain(elsewhere).cloned().collect()
    }

    /// Changes the members, and sends an event for each one that joined or left.
    pub(crate) fn change<R>(&mut self, change: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.names();
        let result = change(self);
        let after = self.names();
        for name in after.difference(&before) {
            self.sockets.send(&(), Event::Joined { name });
        }
        for name in before.difference(&after) {
            self.sockets.send(&(), Event::Left { name });
        }
        result
    }

    /// Records the members of another process.
    pub(crate) fn present(&mut self, process: String, people: Vec<Presence>) {
        for other in &people {
            let is_replaced = |person: &Person| person.key == other.key && person.since < Some(other.since);
            if self.people.get(&other.name).is_some_and(is_replaced) {
                self.replace(&other.name);
            }
        }
        self.change(|state| state.elsewhere.insert(process, (people, Instant::now())));
    }

    /// Forgets the processes that have stopped publishing.
    pub(crate) fn forget(&mut self) {
        self.change(|state| state.elsewhere.retain(|_, (_, seen)| seen.elapsed() < FORGET));
    }

    /// Records a message and sends it to the members, if it is new.
    pub(crate) fn hear(&mut self, said: Said) {
        if self.history.iter().any(|known| known.id == said.id) {
            return;
        }
        self.sockets.send(&(), Event::Said(&said));
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(said);
    }

    /// Closes the sockets of a user that a newer socket replaces, here or at another process.
    pub(crate) fn replace(&self, name: &str) {
        // This code tells the page not to reconnect.
        let replaced = CloseFrame { code: 4000.into(), reason: "replaced".into() };
        self.sockets.send_to_member(&(), name, Message::Close(Some(replaced)));
    }
}

impl Default for State {
    fn default() -> Self {
        // A slow member is closed, reconnects, and receives the history.
        let sockets = Rooms::new().on_full(OnFull::CloseAfter(Duration::ZERO));
        let (people, elsewhere, history) = Default::default();
        Self { sockets, people, elsewhere, history }
    }
}

/// Returns the milliseconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

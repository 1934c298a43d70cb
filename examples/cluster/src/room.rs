//! A room, as seen by this process.

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_nats::Subscriber;
use futures_util::StreamExt;
use http::StatusCode;
use tokio::{
    sync::{Notify, OnceCell},
    task::AbortHandle,
    time::interval,
};
use tower_websocket::{Sender, rooms::Membership};

use crate::{
    bus::Bus,
    event::{Event, Notice, Said, recent},
    state::{Person, State, now},
};

/// Why a user is rejected.
pub(crate) type Refusal = (StatusCode, &'static str);

/// How often a process publishes its members.
const BEAT: Duration = Duration::from_secs(2);

/// All rooms of a process. Clones share them.
#[derive(Clone)]
pub(crate) struct Rooms(Arc<Inner>);

struct Inner {
    process: String,
    bus: Bus,
    rooms: Mutex<HashMap<String, Arc<Room>>>,
}

struct Room {
    name: String,
    rooms: Rooms,
    state: Mutex<State>,
    /// Notified when the members at this process have changed.
    changed: Notify,
    /// The task that receives from the bus, once it is started.
    listening: OnceCell<Option<AbortHandle>>,
}

impl Rooms {
    pub(crate) fn new(process: String, bus: Bus) -> Self {
        Self(Arc::new(Inner { process, bus, rooms: Mutex::default() }))
    }

    pub(crate) fn process(&self) -> &str {
        &self.0.process
    }

    /// Reserves a name in a room until the seat is dropped. A room exists while it has a member.
    pub(crate) async fn reserve(&self, room: &str, name: &str, key: &str) -> Result<Seat, Refusal> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if !(1..=32).contains(&room.len()) || !room.chars().all(is_name) {
            return Err((StatusCode::NOT_FOUND, "no such room"));
        }
        let name = name.trim();
        if name.is_empty() {
            return Err((StatusCode::BAD_REQUEST, "a name is needed"));
        }
        if name.chars().count() > 24 || name.chars().any(char::is_control) || key.len() > 64 {
            return Err((StatusCode::BAD_REQUEST, "a name has at most 24 characters"));
        }
        let seat = self.seat(room, name, key)?;
        seat.room.listen().await.map_err(|error| {
            eprintln!("cannot reach the other processes: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "try again later")
        })?;
        // By now the other processes have replied.
        if seat.room.lock().key_of(name).is_some_and(|taken| taken != key) {
            return Err(TAKEN);
        }
        Ok(seat)
    }

    fn seat(&self, room: &str, name: &str, key: &str) -> Result<Seat, Refusal> {
        let mut rooms = self.0.rooms.lock().expect("no panic under the lock");
        let room = rooms.entry(room.to_owned()).or_insert_with(|| Room::new(room, self));
        let mut state = room.lock();
        if state.key_of(name).is_some_and(|taken| taken != key) {
            return Err(TAKEN);
        }
        let person = || Person { key: key.to_owned(), since: None, seats: 0 };
        state.people.entry(name.to_owned()).or_insert_with(person).seats += 1;
        Ok(Seat { room: Arc::clone(room), name: name.to_owned(), membership: None })
    }
}

const TAKEN: Refusal = (StatusCode::CONFLICT, "somebody here has that name");

impl Room {
    fn new(name: &str, rooms: &Rooms) -> Arc<Self> {
        let (name, rooms) = (name.to_owned(), rooms.clone());
        let (state, changed, listening) = Default::default();
        Arc::new(Self { name, rooms, state, changed, listening })
    }

    fn bus(&self) -> &Bus {
        &self.rooms.0.bus
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic under the lock")
    }

    /// Starts to receive from the bus, unless that is done, and requests the history.
    async fn listen(self: &Arc<Self>) -> Result<(), async_nats::SubscribeError> {
        let listen = async || {
            let Some(notices) = self.bus().notices(&self.name).await? else { return Ok(None) };
            // The order matters: the subscription receives new messages, and other processes know
            // the earlier ones.
            let history = self.bus().history(&self.name).await;
            let questions = self.bus().questions(&self.name).await?;
            history.into_iter().for_each(|said| self.lock().hear(said));
            self.publish(&Notice::Hello).await;
            let task = tokio::spawn(Arc::clone(self).run(notices, questions));
            Ok(Some(task.abort_handle()))
        };
        self.listening.get_or_try_init(listen).await.map(|_| ())
    }

    async fn run(self: Arc<Self>, mut notices: Subscriber, mut questions: Option<Subscriber>) {
        let mut beat = interval(BEAT);
        loop {
            tokio::select! {
                // Notices that arrived before a question are part of the answer.
                biased;
                Some(notice) = notices.next() => {
                    // A notice that cannot be parsed is skipped: it may come from a newer version.
                    if let Ok(notice) = serde_json::from_slice(&notice.payload) {
                        self.hear(notice);
                    }
                }
                Some(question) = next(&mut questions) => {
                    let history = self.lock().history.clone();
                    self.bus().answer(question.reply, &history).await;
                }
                () = self.changed.notified() => self.announce().await,
                _ = beat.tick() => {
                    self.lock().forget();
                    self.announce().await;
                }
                else => break,
            }
        }
    }

    fn hear(&self, notice: Notice) {
        match notice {
            Notice::Said(said) => self.lock().hear(said),
            Notice::Present { process, people } if process != self.rooms.process() => {
                self.lock().present(process, people);
            }
            Notice::Present { .. } => {}
            Notice::Hello => self.changed.notify_one(),
        }
    }

    /// Publishes the members at this process.
    async fn announce(&self) {
        let (process, people) = (self.rooms.process().to_owned(), self.lock().presences());
        self.publish(&Notice::Present { process, people }).await;
    }

    async fn publish(&self, notice: &Notice) -> bool {
        self.bus().publish(&self.name, notice).await
    }

    /// The last member has left. Publishes that to the other processes.
    fn close(self: &Arc<Self>) {
        if let Some(Some(listening)) = self.listening.get() {
            listening.abort();
        }
        let room = Arc::clone(self);
        tokio::spawn(async move { room.announce().await });
    }
}

async fn next(questions: &mut Option<Subscriber>) -> Option<async_nats::Message> {
    match questions {
        Some(questions) => questions.next().await,
        None => pending().await,
    }
}

/// A name in a room, until it is dropped.
pub(crate) struct Seat {
    room: Arc<Room>,
    name: String,
    /// Set once the socket is open.
    membership: Option<Membership<(), String>>,
}

impl Seat {
    /// Takes the seat once the socket is open: sends the new member the current state, and notifies
    /// the others.
    pub(crate) fn take(&mut self, sender: &Sender) {
        let mut state = self.room.lock();
        let mut people = state.names();
        people.insert(self.name.clone());
        let _ = sender.try_send(Event::Welcome { people: &people, history: recent(&state.history) });
        state.replace(&self.name);
        self.membership = Some(state.sockets.join((), sender, self.name.clone()));
        state.change(|state| state.person(&self.name).since = Some(now()));
        self.room.changed.notify_one();
    }

    /// Sends a message to all members. The sender receives it too, which confirms delivery.
    pub(crate) async fn say(&self, id: String, text: String) {
        let text = text.trim();
        if text.is_empty() || id.len() > 64 {
            return;
        }
        let notice = Notice::Said(Said { id, from: self.name.clone(), text: text.to_owned(), at: now() });
        if !self.room.publish(&notice).await {
            self.room.hear(notice);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut rooms = self.room.rooms.0.rooms.lock().expect("no panic under the lock");
        let mut state = self.room.lock();
        self.membership = None;
        let person = state.person(&self.name);
        person.seats -= 1;
        if person.seats > 0 {
            return;
        }
        state.change(|state| state.people.remove(&self.name));
        self.room.changed.notify_one();
        if state.people.is_empty() {
            rooms.remove(&self.room.name);
            self.room.close();
        }
    }
}

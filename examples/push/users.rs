//! The sockets of users, and their unanswered questions.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, atomic},
};

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower_websocket::{CloseCode, Message, Sender, websocket::TrySendError};

/// The users who have a socket. Clones share the registry.
#[derive(Clone, Default)]
pub(crate) struct Users(Arc<Mutex<HashMap<String, User>>>);

/// A user is removed with the last socket.
#[derive(Default)]
struct User {
    sockets: HashMap<u64, Sender>,
    questions: HashMap<u64, oneshot::Sender<Value>>,
}

impl Users {
    /// Adds a socket of a user, until the registration is dropped.
    pub(crate) fn register(&self, user: String, sender: Sender) -> Registration {
        let id = next_id();
        self.lock().entry(user.clone()).or_default().sockets.insert(id, sender);
        Registration { users: self.clone(), user, id }
    }

    /// Sends an event to every socket of a user without waiting, and returns how many accepted it.
    pub(crate) fn push(&self, user: &str, event: &Value) -> usize {
        let event = json!({"type": "event", "event": event});
        self.lock().get(user).map_or(0, |user| user.send(&event))
    }

    /// Asks every socket of a user, and returns the first answer, or `None` once the user has no
    /// socket. An answer that arrives after the future was dropped is ignored.
    pub(crate) async fn ask(&self, user: &str, question: &Value) -> Option<Value> {
        let (id, (answer, answered)) = (next_id(), oneshot::channel());
        {
            let mut users = self.lock();
            let user = users.get_mut(user)?;
            if user.send(&json!({"type": "question", "id": id, "question": question})) == 0 {
                return None;
            }
            // Removes the questions that have timed out.
            user.questions.retain(|_, answer| !answer.is_closed());
            user.questions.insert(id, answer);
        }
        answered.await.ok()
    }

    /// Nothing waits under this lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, User>> {
        self.0.lock().expect("no panic under the lock")
    }
}

impl User {
    fn send(&self, value: &Value) -> usize {
        // Clones of the message share the bytes.
        let message = Message::text(value.to_string());
        let takes = |sender: &&Sender| {
            let sent = sender.try_send(message.clone());
            if matches!(sent, Err(TrySendError::Full(_))) {
                sender.close(CloseCode::TRY_AGAIN_LATER, "reading too slowly");
            }
            sent.is_ok()
        };
        self.sockets.values().filter(takes).count()
    }
}

/// A socket in the registry, until it is dropped.
pub(crate) struct Registration {
    users: Users,
    user: String,
    id: u64,
}

impl Registration {
    /// Records the answer to a question for this user. An id is ignored if its question has timed
    /// out, was answered by another socket, or was not sent to this user.
    pub(crate) fn answer(&self, id: u64, answer: Value) {
        let mut users = self.users.lock();
        let user = users.get_mut(&self.user).expect("a registration has its user");
        if let Some(waiting) = user.questions.remove(&id) {
            let _ = waiting.send(answer);
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut users = self.users.lock();
        let user = users.get_mut(&self.user).expect("a registration has its user");
        user.sockets.remove(&self.id);
        if user.sockets.is_empty() {
            // The tasks that wait for an answer learn that none will come.
            users.remove(&self.user);
        }
    }
}

/// Returns an id that is unique in this process.
fn next_id() -> u64 {
    static NEXT: atomic::AtomicU64 = atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, atomic::Ordering::Relaxed)
}

//! Which sockets users have, and which of their questions wait for an answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, atomic},
};

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower_websocket::{CloseCode, Message, Sender, websocket::TrySendError};

/// The users who have a socket. Clones are the same registry.
#[derive(Clone, Default)]
pub(crate) struct Users(Arc<Mutex<HashMap<String, User>>>);

/// There as long as it has a socket.
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

    /// Sends an event to every socket of a user without waiting, and returns how many took it.
    pub(crate) fn push(&self, user: &str, event: &Value) -> usize {
        let event = json!({"type": "event", "event": event});
        self.lock().get(user).map_or(0, |user| user.send(&event))
    }

    /// Asks every socket of a user, and returns the first answer; `None` once the user has no
    /// socket. An answer that comes after the future was dropped is ignored.
    pub(crate) async fn ask(&self, user: &str, question: &Value) -> Option<Value> {
        let (id, (answer, answered)) = (next_id(), oneshot::channel());
        {
            let mut users = self.lock();
            let user = users.get_mut(user)?;
            if user.send(&json!({"type": "question", "id": id, "question": question})) == 0 {
                return None;
            }
            // Those that have timed out make room.
            user.questions.retain(|_, answer| !answer.is_closed());
            user.questions.insert(id, answer);
        }
        answered.await.ok()
    }

    /// Nothing that is done under the lock waits.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, User>> {
        self.0.lock().expect("no panic under the lock")
    }
}

impl User {
    fn send(&self, value: &Value) -> usize {
        // Its clones share the bytes.
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

/// A socket in the registry, as long as this lives.
pub(crate) struct Registration {
    users: Users,
    user: String,
    id: u64,
}

impl Registration {
    /// Answers a question to its user. Any other id is ignored: of a question that has timed out,
    /// that another socket has answered, or that was asked of nobody or of another user.
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
            // Whoever waits for an answer learns that none comes.
            users.remove(&self.user);
        }
    }
}

/// Returns an id that nothing else of this process has.
fn next_id() -> u64 {
    static NEXT: atomic::AtomicU64 = atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, atomic::Ordering::Relaxed)
}

//! A document and its editors.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::broadcast;
use tower_websocket::{Message, Sender};
use yrs::{
    ClientID, ReadTxn, StateVector, Transact, Update,
    encoding::read::{self, Cursor, Read},
    sync::{self, Awareness, DefaultProtocol, Protocol, SyncMessage},
    updates::{decoder::Decode, encoder::Encode},
};

use crate::decoder::ShallowDecoder;

pub(crate) struct Document {
    /// The document, with the names and the cursors of its editors.
    awareness: Mutex<Awareness>,
    /// The changes for every editor, with the document's state after each. The author of a change
    /// receives it too, because y-websocket gives up a connection after 30 s of silence.
    changes: broadcast::Sender<(Message, StateVector)>,
}

impl Document {
    pub(crate) fn new() -> Arc<Self> {
        // An editor that is more than 64 changes behind receives one combined change instead.
        Arc::new(Self { awareness: Mutex::default(), changes: broadcast::Sender::new(64) })
    }

    fn tell(&self, awareness: &Awareness, message: sync::Message) {
        // Sending fails while the document has no editor.
        let _ = self.changes.send((encoded(message), awareness.doc().transact().state_vector()));
    }

    /// Nothing waits under this lock. If a task panics while it holds the lock, the document and
    /// its editors fail.
    fn lock(&self) -> MutexGuard<'_, Awareness> {
        self.awareness.lock().expect("no panic under the lock")
    }
}

/// An editor's seat at a document, until it is dropped.
pub(crate) struct Seat {
    document: Arc<Document>,
    changes: broadcast::Receiver<(Message, StateVector)>,
    /// The state of the document that the editor has.
    state: StateVector,
    /// The clients whose names and cursors the editor has sent.
    clients: HashSet<ClientID>,
}

impl Seat {
    /// Takes a seat. Asks the editor for changes that only it has, and sends it who is present and
    /// who has left. An editor that reads that it has left announces itself again.
    pub(crate) fn take(document: &Arc<Document>, sender: &Sender) -> Self {
        let awareness = document.lock();
        let (changes, state) = (document.changes.subscribe(), awareness.doc().transact().state_vector());
        let _ = sender.try_send(encoded(sync::Message::Sync(SyncMessage::SyncStep1(state.clone()))));
        let everybody: Vec<_> = awareness.iter().map(|(client, _)| client).collect();
        let names = awareness.update_with_clients(everybody).expect("every client is kept");
        let _ = sender.try_send(encoded(sync::Message::Awareness(names)));
        Self { document: document.clone(), changes, state, clients: HashSet::new() }
    }

    /// Handles a message of the editor, and returns the answer.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<Option<Message>, sync::Error> {
        check_count(bytes)?;
        let mut awareness = self.document.lock();
        let change = match sync::Message::decode_v1(bytes)? {
            sync::Message::Sync(SyncMessage::SyncStep2(update) | SyncMessage::Update(update)) => {
                let mut transaction = awareness.doc().transact_mut();
                transaction.apply_update(Update::decode(&mut ShallowDecoder::new(&update))?)?;
                sync::Message::Sync(SyncMessage::Update(transaction.encode_update_v1()))
            }
            sync::Message::Awareness(update) => {
                let Some(changed) = awareness.apply_update_summary(update)? else { return Ok(None) };
                self.clients.extend(changed.added.iter().chain(&changed.updated));
                sync::Message::Awareness(awareness.update_with_clients(changed.all_changes())?)
            }
            question => return Ok(DefaultProtocol.handle_message(&mut awareness, question)?.map(encoded)),
        };
        self.document.tell(&awareness, change);
        Ok(None)
    }

    /// Waits for a change, and returns it. An editor that is behind gets one combined change.
    pub(crate) async fn changed(&mut self) -> Message {
        if let Ok((message, state)) = self.changes.recv().await {
            self.state = state;
            return message;
        }
        let awareness = self.document.lock();
        let transaction = awareness.doc().transact();
        let missed = transaction.encode_state_as_update_v1(&self.state);
        (self.changes, self.state) = (self.document.changes.subscribe(), transaction.state_vector());
        encoded(sync::Message::Sync(SyncMessage::Update(missed)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Ok(mut awareness) = self.document.awareness.lock() else { return };
        let Ok(mut left) = awareness.update_with_clients(self.clients.drain()) else { return };
        left.clients.values_mut().for_each(|client| client.json = "null".into());
        let _ = awareness.apply_update(left.clone());
        self.document.tell(&awareness, sync::Message::Awareness(left));
    }
}

/// Returns an error if a message declares more entries than it has bytes. `yrs` would reserve
/// memory for them, up to a gigabyte.
fn check_count(message: &[u8]) -> Result<(), read::Error> {
    let mut message = Cursor::new(message);
    match message.read_var()? {
        sync::protocol::MSG_SYNC => drop(message.read_var::<u8>()?),
        sync::protocol::MSG_AWARENESS => {}
        _ => return Ok(()),
    }
    // A state, an update and an awareness each begin with the number of their entries.
    let entries = message.read_buf()?;
    let count: u64 = Cursor::new(entries).read_var()?;
    if count > entries.len() as u64 { Err(read::Error::UnexpectedValue) } else { Ok(()) }
}

fn encoded(message: sync::Message) -> Message {
    Message::binary(message.encode_v1())
}

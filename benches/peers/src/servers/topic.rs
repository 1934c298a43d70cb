//! Topics for the servers of crates that have no fan-out of their own.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock},
};

use bytes::Bytes;
use tokio::sync::broadcast;

/// More messages than are under way to a topic.
const CAPACITY: usize = 64;

/// Returns the process's topic of that number.
pub(super) fn topic(number: usize) -> broadcast::Sender<Bytes> {
    static TOPICS: OnceLock<Mutex<HashMap<usize, broadcast::Sender<Bytes>>>> = OnceLock::new();
    let mut topics = TOPICS.get_or_init(Mutex::default).lock().expect("nothing panics with the lock");
    topics.entry(number).or_insert_with(|| broadcast::channel(CAPACITY).0).clone()
}

/// Returns the first `count` topics, over and over.
pub(super) fn topics(count: usize) -> impl Iterator<Item = broadcast::Sender<Bytes>> {
    (0..count).map(topic).collect::<Vec<_>>().into_iter().cycle()
}

//! Application code that runs during operations of rooms, and uses the rooms itself.

use std::{
    future::Future,
    hash::{Hash, Hasher},
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use bytes::Bytes;
use tokio::runtime::Handle;
use tower_websocket::{
    Config, Message,
    rooms::{OnFull, Rooms},
};

use crate::member::in_memory;

/// Uses the rooms when it is dropped.
#[derive(Clone)]
struct Nosy(u32, &'static House);

/// The rooms that their keys and members use.
#[derive(Default)]
struct House {
    rooms: OnceLock<Rooms<Nosy, Nosy>>,
    visits: AtomicUsize,
}

impl House {
    fn visit(&self) {
        let Some(rooms) = self.rooms.get() else { return };
        // A key made by a callback must not call back itself.
        static QUIET: House = House { rooms: OnceLock::new(), visits: AtomicUsize::new(0) };
        let key = Nosy(1, &QUIET);
        // If messages were kept, it would replace a kept one and drop it.
        rooms.clone().on_full(OnFull::Skip).send(&key, "dropped");
        let _ = (rooms.count(), rooms.sockets(&key), rooms.members(&key));
        self.visits.fetch_add(1, Relaxed);
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        self.1.visit();
    }
}

impl PartialEq for Nosy {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Nosy {}

impl Hash for Nosy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl AsRef<[u8]> for Nosy {
    fn as_ref(&self) -> &[u8] {
        &[7; 100]
    }
}

/// Fails if `f` hangs, for example because it waits for a lock that it holds.
fn returns(f: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let runtime = Handle::current();
    thread::spawn(move || {
        let _runtime = runtime.enter();
        f();
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(10)).expect("a lock is held while the application's code runs");
}

#[tokio::test]
async fn destructors_of_keys_members_and_messages_may_use_the_rooms() {
    let house: &House = Box::leak(Box::default());
    let rooms = house.rooms.get_or_init(|| Rooms::new().on_full(OnFull::KeepLatest)).clone();
    let config = Config::new().max_write_buffer_size(64);
    let ada = in_memory(config, 64, "").await;
    let bob = in_memory(Config::new(), 1 << 16, "").await;
    returns(move || {
        let members: Vec<_> = [&ada.sender, &bob.sender]
            .iter()
            .map(|sender| rooms.join(Nosy(1, house), sender, Nosy(2, house)))
            .collect();
        // Some are copied, some replace a kept one.
        for _ in 0..10 {
            rooms.send(members[0].room(), Message::Binary(Bytes::from_owner(Nosy(3, house))));
        }
        let before = house.visits.load(Relaxed);
        assert!(before > 0, "no message was dropped");
        drop(members);
        assert_eq!(rooms.count(), 0);
        // The room's key, those of the memberships, Bob's member and Ada's kept message. A task
        // that waits for Ada, and does not run here, has the other member.
        assert_eq!(house.visits.load(Relaxed), before + 5);
    });
}

#[tokio::test]
async fn wakers_may_use_the_rooms() {
    struct Caller(Rooms<u32, u32>, AtomicUsize);
    impl Wake for Caller {
        fn wake(self: Arc<Self>) {
            self.0.send(&1, "woken");
            let _ = (self.0.count(), self.0.members(&1));
            self.1.fetch_add(1, Relaxed);
        }
    }

    let rooms = Rooms::new();
    let ada = in_memory(Config::new(), 1 << 16, "").await;
    let bob = in_memory(Config::new(), 1 << 16, "").await;
    returns(move || {
        let _memberships = (rooms.join(1, &ada.sender, 1), rooms.join(1, &bob.sender, 2));
        let caller = Arc::new(Caller(rooms.clone(), AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&caller));
        let mut closed = pin!(ada.sender.closed());
        assert_eq!(closed.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
        rooms.send(&1, Message::Close(None));
        assert_eq!(caller.1.load(Relaxed), 1);
    });
}

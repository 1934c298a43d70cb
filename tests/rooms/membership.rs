//! The members of rooms, while many threads join and leave.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{self, AssertUnwindSafe},
    sync::Barrier,
    thread,
};

use proptest::{collection::vec, prelude::*};
use tokio::{
    io::DuplexStream,
    runtime::{Builder, Runtime},
};
use tower_websocket::{
    CloseCode, Config, Sender,
    rooms::{Membership, Rooms},
};

use crate::member::{Member, in_memory};

const ROOMS: u8 = 4;
const MEMBERS: u8 = 3;

/// A thread's action with its own socket.
#[derive(Clone, Debug)]
enum Step {
    Join(u8, u8),
    /// Leaves one of its rooms.
    Leave(usize),
    /// Panics while it holds one of its memberships.
    Panic(usize),
    Send(u8),
    SendOthers(usize),
    /// Its socket ends, and its memberships remain.
    End,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..ROOMS, 0..MEMBERS).prop_map(|(room, member)| Step::Join(room, member)),
        4 => any::<usize>().prop_map(Step::Leave),
        1 => any::<usize>().prop_map(Step::Panic),
        3 => (0..ROOMS).prop_map(Step::Send),
        2 => any::<usize>().prop_map(Step::SendOthers),
        1 => Just(Step::End),
    ]
}

type Joined = Membership<u8, u8>;

/// A thread's memberships at its end, and how often it was the first or the last membership of a
/// member in a room.
#[derive(Default)]
struct Outcome {
    joined: Vec<Joined>,
    is_ended: bool,
    firsts: BTreeMap<(u8, u8), i32>,
}

fn run(rooms: &Rooms<u8, u8>, sender: &Sender<DuplexStream>, steps: &[Step]) -> Outcome {
    let mut outcome = Outcome::default();
    for step in steps {
        let joined = &mut outcome.joined;
        let mut take = |at: &usize| (!joined.is_empty()).then(|| joined.swap_remove(at % joined.len()));
        match step {
            Step::Join(room, member) => {
                let membership = rooms.join(*room, sender, *member);
                *outcome.firsts.entry((*room, *member)).or_default() += i32::from(membership.is_first());
                joined.push(membership);
            }
            Step::Leave(at) => {
                let Some(mut membership) = take(at) else { continue };
                let key = (*membership.room(), *membership.member());
                *outcome.firsts.entry(key).or_default() -= i32::from(membership.leave());
            }
            Step::Panic(at) => {
                let Some(membership) = take(at) else { continue };
                // If a second one of the same member is dropped, that one may be the last.
                let key = (*membership.room(), *membership.member());
                let mut again = rooms.join(key.0, sender, key.1);
                *outcome.firsts.entry(key).or_default() += i32::from(again.is_first());
                let unwound = panic::catch_unwind(AssertUnwindSafe(|| {
                    let _membership = membership;
                    panic::resume_unwind(Box::new("the handler panics"));
                }));
                assert!(unwound.is_err());
                *outcome.firsts.entry(key).or_default() -= i32::from(again.leave());
            }
            Step::Send(room) => {
                let sent = rooms.send(room, "hello");
                assert_eq!(sent.full, 0);
            }
            Step::SendOthers(at) => {
                if !joined.is_empty() {
                    assert_eq!(joined[at % joined.len()].send_others("hello").full, 0);
                }
            }
            Step::End => {
                sender.close(CloseCode::NORMAL, "");
                outcome.is_ended = true;
            }
        }
    }
    outcome
}

/// The sockets of all cases. A closed one is replaced.
struct Sockets {
    runtime: Runtime,
    members: Vec<Option<Member<DuplexStream, DuplexStream>>>,
}

impl Sockets {
    fn open(&mut self) {
        for member in self.members.iter_mut().filter(|member| member.is_none()) {
            let config = Config::new().max_write_buffer_size(usize::MAX);
            *member = Some(self.runtime.block_on(in_memory(config, 1 << 20, "")));
        }
    }
}

fn check(scripts: &[Vec<Step>], sockets: &Sockets) -> Result<Vec<bool>, TestCaseError> {
    let rooms = Rooms::<u8, u8>::new();
    let barrier = Barrier::new(scripts.len());
    let mut outcomes: Vec<Outcome> = thread::scope(|scope| {
        let threads: Vec<_> = scripts
            .iter()
            .zip(sockets.members.iter().flatten())
            .map(|(script, member)| {
                let (rooms, barrier) = (&rooms, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    run(rooms, &member.sender, script)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    let joined =
        || outcomes.iter().flat_map(|outcome| outcome.joined.iter().map(move |joined| (joined, outcome)));
    for room in 0..ROOMS {
        let here = || joined().filter(|(joined, _)| *joined.room() == room);
        let members: BTreeSet<_> = here().map(|(joined, _)| *joined.member()).collect();
        prop_assert_eq!(rooms.sockets(&room), here().count());
        prop_assert_eq!(rooms.members(&room).iter().map(|it| **it).collect::<BTreeSet<_>>(), members.clone());
        prop_assert_eq!(rooms.members(&room).len(), members.len());
        for member in 0..MEMBERS {
            // Each first membership that ended has one last. Each present member has one more
            // first.
            let firsts = outcomes.iter().filter_map(|outcome| outcome.firsts.get(&(room, member)));
            prop_assert_eq!(firsts.sum::<i32>(), i32::from(members.contains(&member)), "{} {}", room, member);
        }
        let sent = rooms.send(&room, "all");
        prop_assert_eq!(sent.closed, here().filter(|(_, outcome)| outcome.is_ended).count());
        prop_assert_eq!(sent.queued, here().filter(|(_, outcome)| !outcome.is_ended).count());
    }
    let keys: BTreeSet<_> = joined().map(|(joined, _)| *joined.room()).collect();
    prop_assert_eq!(rooms.count(), keys.len());
    let ended = outcomes.iter().map(|outcome| outcome.is_ended).collect();
    thread::scope(|scope| outcomes.drain(..).for_each(|outcome| drop(scope.spawn(move || drop(outcome)))));
    prop_assert_eq!(rooms.count(), 0);
    Ok(ended)
}

#[test]
fn rooms_contain_joined_members_that_did_not_leave() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let sockets = std::cell::RefCell::new(Sockets { runtime, members: (0..4).map(|_| None).collect() });
    let scripts = vec(vec(step(), 0..60), 1..=4);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) };
    proptest!(config, |(scripts in scripts)| {
        let mut sockets = sockets.borrow_mut();
        sockets.open();
        let checked = check(&scripts, &sockets);
        for (member, is_ended) in sockets.members.iter_mut().zip(checked.clone().unwrap_or_default()) {
            member.take_if(|_| is_ended);
        }
        checked?;
    });
}

/// The race window is a few instructions long, so it is tried often.
#[test]
fn exactly_one_of_two_concurrent_leavers_is_the_last() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let ada = runtime.block_on(in_memory(Config::new(), 1024, ""));
    let rooms = Rooms::new();
    for _ in 0..2000 {
        let tabs = [(); 2].map(|()| rooms.join("room", &ada.sender, "Ada"));
        let barrier = Barrier::new(2);
        let lasts: usize = thread::scope(|scope| {
            let leaving = tabs.map(|mut tab| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    usize::from(tab.leave())
                })
            });
            leaving.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((lasts, rooms.count()), (1, 0));
    }
}

//! One client's life: its transport and its behavior.

use std::sync::atomic::Ordering;

use super::{
    abuse,
    connect::Way,
    opening::Form,
    side::Side,
    talk,
    trouble::Trouble,
    world::{Counts, World},
};
use crate::rng::Rng;

/// A client's behavior.
#[derive(Clone, Copy, Debug)]
enum Plan {
    Talk(talk::End),
    Abuse(abuse::Kind),
}

/// The plans of the clients, each with its weight.
const PLANS: [(usize, Plan); 31] = {
    use Plan::{Abuse, Talk};
    use abuse::Kind as K;
    use talk::End as E;
    [
        (200, Talk(E::Quiet)),
        (90, Talk(E::Busy)),
        (120, Talk(E::Asked)),
        (60, Talk(E::Returned)),
        (40, Talk(E::Panicked)),
        (60, Talk(E::HalfClosed)),
        (70, Talk(E::Reset)),
        (30, Talk(E::ResetInside)),
        (120, Talk(E::Idle)),
        (10, Abuse(K::Silent)),
        (8, Abuse(K::NeverReads)),
        (15, Abuse(K::SlowReader)),
        (15, Abuse(K::SlowWriter)),
        (10, Abuse(K::PingFlood)),
        (10, Abuse(K::MessageFlood)),
        (10, Abuse(K::ReservedBit)),
        (10, Abuse(K::ReservedOpcode)),
        (10, Abuse(K::Unmasked)),
        (10, Abuse(K::BadText)),
        (10, Abuse(K::LongPing)),
        (10, Abuse(K::NothingToContinue)),
        (10, Abuse(K::BadCloseCode)),
        (10, Abuse(K::TooLarge)),
        (10, Abuse(K::NoRequest)),
        (10, Abuse(K::HalfRequest)),
        (10, Abuse(K::ResetRequest)),
        (10, Abuse(K::ResetHandshake)),
        (10, Abuse(K::Refused)),
        (10, Abuse(K::Garbage)),
        (10, Abuse(K::Pages)),
        (10, Abuse(K::BadDeflate)),
    ]
};

const WAYS: [(usize, Way); 5] =
    [(55, Way::Plain), (15, Way::Tls), (12, Way::Drained), (12, Way::Http2), (6, Way::Http2Tls)];

const FORMS: [(usize, Form); 3] = [(80, Form::Plain), (17, Form::Deflate), (3, Form::Takeover)];

/// Runs the client `id`.
pub(crate) async fn live(world: &World, id: u64) -> Result<Side, String> {
    let mut rng = Rng::new(world.seed, id);
    let (plan, way, form) = (rng.weighed(&PLANS), rng.weighed(&WAYS), rng.weighed(&FORMS));
    world.counts.open.fetch_add(1, Ordering::Relaxed);
    let side = match plan {
        Plan::Talk(end) => talk::talk(world, id, way, form, end, &mut rng).await,
        Plan::Abuse(kind) => abuse::abuse(world, id, way, kind, &mut rng).await,
    };
    world.counts.open.fetch_sub(1, Ordering::Relaxed);
    Counts::add(&world.counts.lives, 1);
    side.map_err(|trouble: Trouble| format!("{id}, {plan:?} over {way:?}, {form:?}: {trouble}"))
}

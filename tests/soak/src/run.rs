//! One run: the server, the clients, the measurements, and the result.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use crate::{
    child::{Server, Stats},
    client::{World, live},
    figures::{Figures, mib},
    ledger::Ledger,
    options::Options,
    rng::Rng,
};

/// How many clients connect each second at first, until all are connected.
const RAMP: usize = 150;

/// How long the clients may take to finish after the load.
const FINISH: Duration = Duration::from_secs(240);

/// How much larger memory, descriptors and tasks may be at the end of the load than after its first
/// sixth, as a factor.
const GROWTH: f64 = 1.15;

/// How much memory may grow in addition, in bytes, because in a short run noise is relatively
/// larger.
const SLACK: u64 = 16 << 20;

/// How many more bytes may be allocated after the clients have gone than before they came: threads
/// keep buffers and compressors for reuse.
const KEPT: usize = 4 << 20;

/// Runs it. Returns whether everything was as expected.
pub(crate) async fn run(options: &Options) -> Result<bool, String> {
    // By then all clients have been connected for a while.
    let first = (options.time / 6).max(Duration::from_secs((options.connections / RAMP + 10) as u64));
    if first >= options.time / 2 {
        return Err(format!("this number of connections needs more than {:?}", 2 * first));
    }
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut server = Server::start(options.keepalive(), Arc::clone(&ledger))?;
    let ready = server.hear("ready").await?;
    let [plain, secure, drained, certificate] = ready.split(' ').collect::<Vec<_>>()[..] else {
        return Err(format!("the server says {ready:?}"));
    };
    let port = |port: &str| port.parse().map_err(|_| format!("{port:?} is not a port"));
    let (stop, stopped) = watch::channel(false);
    let world = World::new(
        [port(plain)?, port(secure)?, port(drained)?],
        hexadecimal(certificate)?,
        options.seed,
        options.think,
        options.keepalive(),
        stopped,
    )?;
    let world = Arc::new(world);
    // One client of each kind, so that resources that are made once and kept exist.
    let base = settled(&mut server, None).await?;
    println!("{base}, with no clients");

    let start = Instant::now();
    let mut slots = JoinSet::new();
    for slot in 0..options.connections {
        let (world, ledger) = (Arc::clone(&world), Arc::clone(&ledger));
        let comes = start + Duration::from_secs_f64(slot as f64 / RAMP as f64);
        slots.spawn(come_and_go(world, ledger, slot as u64, options.connections as u64, comes));
    }
    let (figures, is_cut_short) = watch_over(options, first, &mut server, &world, &ledger, start).await?;
    stop.send_replace(true);
    let finish = async { while slots.join_next().await.is_some() {} };
    if tokio::time::timeout(FINISH, finish).await.is_err() {
        lock(&ledger).find(format!("{} clients hang", slots.len()));
        slots.abort_all();
    }
    for shared in &world.shared {
        drop(shared.lock().await.take());
    }
    let end = settled(&mut server, Some(&base)).await?;
    server.stop().await.unwrap_or_else(|error| lock(&ledger).find(error));
    let mut ledger = lock(&ledger);
    ledger.close();
    println!("{end}, with no clients");
    judge(&mut ledger, &figures, &base, &end);
    let counts = &world.counts;
    let lives = counts.lives.load(Ordering::Relaxed);
    let bytes = counts.bytes.load(Ordering::Relaxed) >> 20;
    println!("what they did: {}", ledger.plans());
    println!(
        "{lives} connections; {} messages received by the server, {} by the clients, {bytes} MiB sent and received",
        ledger.up, ledger.down
    );
    println!("seed {}", options.seed);
    let passed = ledger.is_clean() && !is_cut_short;
    println!("{}: {} findings", if passed { "PASSED" } else { "FAILED" }, ledger.found());
    Ok(passed)
}

/// One slot for clients, used by one after the other until the run is to finish.
async fn come_and_go(world: Arc<World>, ledger: Arc<Mutex<Ledger>>, slot: u64, slots: u64, comes: Instant) {
    let mut stop = world.stop.clone();
    let mut rng = Rng::new(world.seed ^ 0x5107, slot);
    let mut pause = sleep_until(comes);
    for turn in 0.. {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            () = pause => {}
        }
        let lived = live(&world, turn * slots + slot).await;
        match lived {
            Ok(side) => lock(&ledger).side(side),
            Err(trouble) => lock(&ledger).find(trouble),
        }
        pause = sleep(rng.wait(Duration::from_millis(500)));
    }
}

/// Measures the server under load, drains a port twice, and ends the load early if a limit is
/// exceeded. Returns the figures after the `first` part of the time, after half of it, and at its
/// end, and whether the end was early.
async fn watch_over(
    options: &Options,
    first: Duration,
    server: &mut Server,
    world: &World,
    ledger: &Mutex<Ledger>,
    start: Instant,
) -> Result<([Figures; 3], bool), String> {
    let mut ticks = interval(Duration::from_secs(5));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut marks = [first, options.time / 2, options.time].into_iter().peekable();
    let mut drains = [options.time / 3, options.time * 2 / 3].into_iter().peekable();
    let mut marked = Vec::new();
    let mut told = Figures::now(Duration::ZERO, 0, Stats::default(), server.process);
    let every = Duration::from_secs(60).min(options.time / 6);
    while let Some(mark) = marks.peek().copied() {
        tokio::select! {
            _ = ticks.tick() => {}
            () = sleep_until(start + mark) => {}
        }
        let at = start.elapsed();
        if server.process.resident() > options.ceiling {
            lock(ledger).find(format!("the server has more than {} MiB of memory", options.ceiling >> 20));
            let now = Figures::now(at, 0, Stats::default(), server.process);
            marked.resize(3, now);
            return Ok(([marked[0], marked[1], marked[2]], true));
        }
        if drains.next_if(|drain| at >= *drain).is_some() {
            server.tell("drain").await?;
            server.hear("drained").await?;
            println!(
                "{:02}:{:02}  a port was drained, in {:?}",
                at.as_secs() / 60,
                at.as_secs() % 60,
                start.elapsed() - at
            );
        }
        let is_marked = marks.next_if(|mark| at >= *mark).is_some();
        if is_marked || at >= told.at + every {
            let stats = server.stats().await?;
            let clients = world.counts.open.load(Ordering::Relaxed);
            let now = Figures::now(start.elapsed(), clients, stats, server.process);
            let [cpu, clients_cpu] = now.load_since(&told);
            let counts = &world.counts;
            let messages = counts.up.load(Ordering::Relaxed) + counts.down.load(Ordering::Relaxed);
            let lives = counts.lives.load(Ordering::Relaxed);
            println!("{now}  CPU {cpu:.0} % + {clients_cpu:.0} %  {lives} gone  {messages} messages");
            told = now;
            if is_marked {
                marked.push(now);
            }
        }
    }
    Ok(([marked[0], marked[1], marked[2]], false))
}

/// Returns the server's figures without clients: once they match those of `base`, or after a while.
async fn settled(server: &mut Server, base: Option<&Figures>) -> Result<Figures, String> {
    let start = Instant::now();
    loop {
        let stats = server.stats().await?;
        let now = Figures::now(start.elapsed(), 0, stats, server.process);
        let is_back = base.is_none_or(|base| {
            stats.sockets == 0 && stats.tasks <= base.stats.tasks && now.descriptors <= base.descriptors
        });
        if is_back || start.elapsed() > Duration::from_secs(90) {
            return Ok(now);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Finds growth and leaks.
fn judge(ledger: &mut Ledger, [sixth, half, load]: &[Figures; 3], base: &Figures, end: &Figures) {
    for figures in [sixth, half, load] {
        let [resident, heap] = [figures.resident, figures.stats.heap as u64].map(mib);
        println!("memory: {resident:.1} MiB, {heap:.1} allocated, after {:.0?}", figures.at);
    }
    let grown = |then: f64, now: f64, slack: f64| now > then * GROWTH + slack;
    for (what, then, now, slack) in [
        ("bytes of memory", sixth.resident as f64, load.resident as f64, SLACK as f64),
        ("allocated bytes", sixth.stats.heap as f64, load.stats.heap as f64, SLACK as f64),
        ("descriptors", sixth.descriptors as f64, load.descriptors as f64, 64.0),
        ("tasks", sixth.stats.tasks as f64, load.stats.tasks as f64, 64.0),
    ] {
        if grown(then, now, slack) {
            ledger.find(format!("{now} {what} at the end of the load, {then} after a sixth of it"));
        }
    }
    let left = [
        ("sockets", end.stats.sockets, 0),
        ("tasks", end.stats.tasks, base.stats.tasks),
        ("descriptors", end.descriptors, base.descriptors),
        ("panics", end.stats.panics, 0),
        ("allocated bytes", end.stats.heap, base.stats.heap + KEPT),
    ];
    for (what, now, then) in left {
        if now > then {
            ledger.find(format!("{now} {what} after all clients have gone, {then} before they came"));
        }
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hexadecimal(digits: &str) -> Result<Vec<u8>, String> {
    let byte = |at: usize| digits.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    (0..digits.len()).step_by(2).map(|at| byte(at).ok_or_else(|| "no certificate".to_owned())).collect()
}

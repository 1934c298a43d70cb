//! Liveness, and the peer's end, regardless of the handler's activity.

use std::{
    future::pending,
    io,
    pin::Pin,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt, poll};
use raw_client::{
    FIN, frame,
    opcode::{BINARY, CLOSE, PING, TEXT},
};
use tokio::{
    io::{AsyncWrite, DuplexStream, WriteHalf},
    sync::{Notify, mpsc},
    task::block_in_place,
    time::{self, sleep},
};
use tower_websocket::{AcceptAll, Acceptor, Config, Error, Message, WebSocket, websocket::TrySendError};

use crate::{
    peer::Peer,
    site::{Buffers, Site, Way},
    trial::{SOON, each, each_in_turn, soon},
};

/// Returns a socket in memory and its peer.
pub(crate) async fn pair(config: Config, room: usize) -> (Peer, WebSocket<DuplexStream>) {
    let (io, server) = tokio::io::duplex(room);
    let acceptor = Acceptor::new(AcceptAll).with_config(config);
    let (peer, accepted) = tokio::join!(Peer::open(io, None), acceptor.accept(server));
    (peer.expect("the handshake succeeds"), accepted.expect("the handshake succeeds").0)
}

/// Which task polls the socket.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// A task reads it, without a driver.
    Whole,
    /// Its handler reads it.
    Driven,
    /// Its handler waits for something else.
    Waits,
    /// One task has the receiver, another the sender.
    Halves,
    /// One task receives. The sender sends a message every 7 s, which the peer reads.
    Sends,
    /// No task reads the receiver.
    Unread,
}

const FORMS: [Form; 5] = [Form::Whole, Form::Driven, Form::Waits, Form::Halves, Form::Unread];

fn start(form: Form, mut socket: WebSocket<DuplexStream>) {
    match form {
        Form::Whole => drop(tokio::spawn(async move { while socket.recv().await.is_some() {} })),
        Form::Driven => {
            drop(tokio::spawn(
                socket.drive(|mut socket| async move { while socket.recv().await.is_some() {} }),
            ));
        }
        Form::Waits => drop(tokio::spawn(socket.drive(|socket| async move {
            pending::<()>().await;
            drop(socket);
        }))),
        Form::Halves | Form::Sends | Form::Unread => {
            let (sender, mut receiver) = socket.split();
            tokio::spawn(async move {
                while matches!(form, Form::Sends) && sender.send(Message::text("7 s")).await.is_ok() {
                    sleep(Duration::from_secs(7)).await;
                }
                pending::<()>().await;
                drop(sender);
            });
            tokio::spawn(async move {
                if matches!(form, Form::Unread) {
                    pending::<()>().await;
                }
                while receiver.recv().await.is_some() {}
                pending::<()>().await;
            });
        }
    }
}

/// Skips messages. Returns when the next ping and the end arrive, in seconds from `start`.
async fn ping_and_end(peer: &mut Peer, start: time::Instant) -> (f64, f64) {
    let mut ping = f64::NAN;
    loop {
        match peer.frame().await {
            Ok(Some(frame)) if frame.opcode() == PING && ping.is_nan() => {
                ping = start.elapsed().as_secs_f64()
            }
            // A Close is sent even to an unresponsive peer.
            Ok(Some(frame)) if frame.opcode() == CLOSE => {}
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return (ping, start.elapsed().as_secs_f64()),
        }
    }
}

/// In each form, the ping is sent 20 s after the last byte, and the end comes 20 s later, plus at
/// most `close_timeout`.
#[tokio::test(start_paused = true)]
async fn silence_is_counted_from_the_last_byte() {
    let mut wrong = Vec::new();
    for form in FORMS {
        for last in [0, 7, 19, 33] {
            let (mut peer, socket) = pair(Config::new(), 64 << 10).await;
            start(form, socket);
            let begin = time::Instant::now();
            let mut said = 0;
            // With pauses of at most 13 s.
            while said < last {
                let pause = (last - said).min(13);
                let until = begin + Duration::from_secs(said + pause);
                let _ = time::timeout_at(until, async {
                    loop {
                        peer.next().await;
                    }
                })
                .await;
                peer.send(FIN | TEXT, b"alive").await;
                said += pause;
            }
            let (ping, end) = ping_and_end(&mut peer, begin).await;
            let (ping_at, end_at) = (last as f64 + 20.0, last as f64 + 40.0);
            let is_right = (ping - ping_at).abs() < 0.1 && (end_at - 0.1..=end_at + 5.1).contains(&end);
            if !is_right {
                wrong
                    .push(format!("{form:?}, last byte at {last} s: ping at {ping:.2} s, end at {end:.2} s"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "a ping is due 20 s and the end 40 s after the last byte\n{}",
        wrong.join("\n")
    );
}

/// A part of a frame counts as activity.
#[tokio::test(start_paused = true)]
async fn partial_frame_counts_as_activity() {
    for form in FORMS {
        let (mut peer, socket) = pair(Config::new(), 64 << 10).await;
        start(form, socket);
        let begin = time::Instant::now();
        sleep(Duration::from_secs(11)).await;
        peer.send_raw(&[0x82]).await;
        let (ping, end) = ping_and_end(&mut peer, begin).await;
        assert!((ping - 31.0).abs() < 0.1, "{form:?}: the ping came at {ping:.2} s, not at 31 s");
        assert!((50.9..=56.1).contains(&end), "{form:?}: the end came at {end:.2} s, not at 51 s");
    }
}

/// A peer that sends nothing is alive while it reads.
#[tokio::test(start_paused = true)]
async fn reading_peer_counts_as_activity() {
    // The pipe is smaller than a message, so a message is written only if the peer reads.
    let (mut peer, socket) = pair(Config::new(), 4).await;
    start(Form::Sends, socket);
    let begin = time::Instant::now();
    while begin.elapsed() < Duration::from_secs(300) {
        let frame = peer.frame().await;
        assert!(matches!(frame, Ok(Some(_))), "{frame:?} after {:.0?}", begin.elapsed());
        assert_ne!(frame.unwrap().unwrap().opcode(), CLOSE, "after {:.0?}", begin.elapsed());
    }
}

/// How a client ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    Closes,
    ClosesAndLeaves,
    HalfCloses,
    Leaves,
    LeavesInAFrame,
    LeavesWithOurDataUnread,
}

const GONE: [Gone; 6] = [
    Gone::Closes,
    Gone::ClosesAndLeaves,
    Gone::HalfCloses,
    Gone::Leaves,
    Gone::LeavesInAFrame,
    Gone::LeavesWithOurDataUnread,
];

/// The handler's activity meanwhile.
#[derive(Clone, Copy, Debug)]
enum Busy {
    /// Waits for something else, with the whole socket.
    Waits,
    /// The same, with both halves.
    WaitsWithHalves,
    /// Sends every 20 ms, with the whole socket.
    Sends,
    /// Sends every 20 ms with a sender. The receiver is idle.
    SendsByHalf,
}

async fn be_busy(busy: Busy, mut socket: WebSocket, told: mpsc::UnboundedSender<String>) {
    match busy {
        Busy::Waits => {
            pending::<()>().await;
            drop(socket);
        }
        Busy::WaitsWithHalves => {
            let _halves = socket.split();
            pending::<()>().await;
        }
        Busy::Sends => {
            let error = loop {
                if let Err(error) = socket.send(Message::text("again")).await {
                    break error;
                }
                sleep(Duration::from_millis(20)).await;
            };
            let ended = socket.close_info();
            let _ = told.send(format!("{error}; {:?}", ended.map(|ended| (ended.code(), ended.is_clean()))));
            pending::<()>().await;
        }
        Busy::SendsByHalf => {
            let (sender, receiver) = socket.split();
            while sender.send(Message::text("again")).await.is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
            let ended = receiver.close_info();
            let _ = told.send(format!("{:?}", ended.map(|ended| (ended.code(), ended.is_clean()))));
            pending::<()>().await;
        }
    }
}

/// The connection's permit is free at once, although the handler continues.
async fn goes(way: Way, gone: Gone, busy: Busy) -> Result<String, String> {
    let (tell, mut told) = mpsc::unbounded_channel();
    let config =
        Config::new().keepalive_interval(None).max_connections(1).close_timeout(Duration::from_secs(60));
    let site = Site::start(way, config, move |socket| be_busy(busy, socket, tell.clone())).await;
    let mut peer = site.open().await;
    sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    match gone {
        Gone::Closes => {
            peer.close(1000).await;
            let answer = async {
                loop {
                    let frame = peer.next().await;
                    if frame.opcode() == CLOSE {
                        return frame.code();
                    }
                }
            };
            let code = soon("the answer to the Close", answer).await;
            if code != 1000 {
                return Err(format!("Close 1000 is answered with {code}"));
            }
            // The server ends the stream first.
            match soon("the end of the stream", peer.frame()).await {
                Ok(None) => {}
                other => return Err(format!("after both Closes: {other:?}")),
            }
        }
        Gone::ClosesAndLeaves => {
            peer.close(1000).await;
            drop(peer);
        }
        Gone::HalfCloses => peer.half_close().await,
        Gone::LeavesInAFrame => {
            peer.send_raw(&[0x82, 0xfe, 1]).await;
            drop(peer);
        }
        Gone::LeavesWithOurDataUnread => {
            // Closing a TCP socket with unread data resets the connection.
            peer.send(FIN | PING, b"answered").await;
            sleep(Duration::from_millis(50)).await;
            drop(peer);
        }
        Gone::Leaves => drop(peer),
    }
    let freed = time::timeout(SOON, site.shutdown.idle()).await;
    if freed.is_err() {
        return Err(format!("the place is still taken after {SOON:?}"));
    }
    let took = start.elapsed();
    let mut line = format!("free after {took:.0?}");
    if matches!(busy, Busy::Sends | Busy::SendsByHalf) {
        let ended = soon("the sender's error", told.recv()).await.expect("the handler reports");
        if gone == Gone::Closes && !ended.contains("Some((1000, true))") {
            return Err(format!("after Close 1000: {ended}"));
        }
        line += &format!(", {ended}");
    }
    // The handler of that client may report as well.
    soon("another client", site.open_offering(None))
        .await
        .map_err(|error| format!("another client: {error}"))?;
    Ok(line)
}

async fn all_go(busy: Busy) {
    // Without a driver, no task polls the socket.
    let ways = [Way::Tcp, Way::Tls, Way::Unix, Way::Http2, Way::Memory];
    each(&format!("{busy:?}"), &ways, |way| async move {
        let trials = GONE.map(|gone| tokio::spawn(goes(way, gone, busy)));
        let mut failed = Vec::new();
        let mut lines = Vec::new();
        for (gone, trial) in GONE.iter().zip(trials) {
            match trial.await {
                Ok(Ok(line)) => lines.push(format!("{gone:?}: {line}")),
                Ok(Err(line)) => failed.push(format!("{gone:?}: {line}")),
                Err(error) => {
                    let text =
                        error.into_panic().downcast::<String>().map_or("it panicked".into(), |text| *text);
                    failed.push(format!("{gone:?}: {text}"));
                }
            }
        }
        if failed.is_empty() { Ok(lines.join("; ")) } else { Err(failed.join("; ")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_client_frees_its_permit_while_the_handler_waits() {
    all_go(Busy::Waits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_client_frees_its_permit_while_the_handler_waits_with_halves() {
    all_go(Busy::WaitsWithHalves).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_client_is_noticed_while_the_handler_sends() {
    all_go(Busy::Sends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_client_is_noticed_while_a_sender_sends() {
    all_go(Busy::SendsByHalf).await;
}

/// There may be unread messages before the Close. The handler can still receive them.
#[tokio::test(flavor = "multi_thread")]
async fn unread_messages_are_kept_and_the_close_is_answered() {
    let ways = [Way::Tcp, Way::Tls, Way::Unix, Way::Http2, Way::Memory];
    for size in [5, 1000, 15_000] {
        each(&format!("three unread messages of {size} bytes"), &ways, |way| async move {
            let go_on = Arc::new(Notify::new());
            let (tell, mut told) = mpsc::unbounded_channel();
            let config = Config::new().keepalive_interval(None).close_timeout(Duration::from_secs(60));
            let resumed = Arc::clone(&go_on);
            let site = Site::start(way, config, move |mut socket: WebSocket| {
                let (resumed, tell) = (Arc::clone(&resumed), tell.clone());
                async move {
                    resumed.notified().await;
                    let mut seen = Vec::new();
                    while let Some(Ok(message)) = socket.recv().await {
                        seen.push(message.len());
                    }
                    let code = socket.close_info().map(|ended| ended.code());
                    let _ = tell.send((seen, code));
                }
            })
            .await;
            let mut peer = site.open().await;
            for _ in 0..3 {
                peer.send(FIN | BINARY, vec![1; size]).await;
            }
            peer.close(4001).await;
            let code = soon("the answer to the Close", peer.next_close()).await;
            soon("the place", site.shutdown.idle()).await;
            go_on.notify_one();
            let (seen, ended) = soon("the handler", told.recv()).await.expect("the handler reports");
            let is_whole = seen.iter().take(3).copied().collect::<Vec<_>>() == [size; 3];
            let line = format!("answered with {code}, then received {seen:?}, ended {ended:?}");
            if is_whole && (code, ended) == (4001, Some(4001)) { Ok(line) } else { Err(line) }
        })
        .await;
    }
}

/// When a handler answers.
#[derive(Clone, Copy, Debug)]
enum Answers {
    AtOnce,
    /// The handler waits for something else, such as a database.
    Awaiting,
    /// The handler waits for something else after it has polled `recv` once.
    Returning,
}

/// Returns three messages and a Close.
fn questions() -> Vec<u8> {
    let close = frame(FIN | CLOSE, &4001_u16.to_be_bytes());
    ["0", "1", "2"].into_iter().flat_map(|text| frame(FIN | TEXT, text.as_bytes())).chain(close).collect()
}

/// A peer that sends messages and a Close in one write gets the answers: the answer to the Close is
/// delayed while the handler is answering.
#[tokio::test(start_paused = true)]
async fn peer_gets_answers_to_messages_before_its_close() {
    for answers in [Answers::AtOnce, Answers::Awaiting, Answers::Returning] {
        let (mut peer, socket) = pair(Config::new(), 64 << 10).await;
        let handler = socket.drive(move |mut socket| async move {
            if matches!(answers, Answers::Returning) {
                assert!(poll!(Box::pin(socket.recv())).is_pending());
                sleep(Duration::from_millis(90)).await;
            }
            while let Some(Ok(message)) = socket.recv().await {
                if !matches!(answers, Answers::AtOnce) {
                    sleep(Duration::from_millis(90)).await;
                }
                if message.is_text() {
                    socket.send(message).await.expect("there is time to answer");
                }
            }
        });
        let handler = tokio::spawn(handler);
        tokio::task::yield_now().await;
        peer.send_raw(&questions()).await;
        let transcript = peer.all(None).await;
        transcript.check(&["0", "1", "2"].map(Vec::from), 4001).expect("all is answered");
        handler.await.unwrap();
    }
}

/// The same if the handler blocks its thread, or the system suspends that thread, also before the
/// handler receives for the first time.
#[tokio::test(flavor = "multi_thread")]
async fn peer_gets_answers_of_a_blocking_handler_before_the_close() {
    for first in [0, 20] {
        let what = format!("three questions and a Close, the handler blocks, for {first} ms at first");
        each_in_turn(&what, &Way::ALL, |way| async move {
            for _ in 0..10 {
                let (outcome, longest) = answered(way, first).await;
                // Answers that the system has delayed for nearly 100 ms may be too late.
                if outcome.is_ok() || longest < Duration::from_millis(80) {
                    return outcome;
                }
            }
            // The trials show nothing then. The test above covers the same in paused time.
            Ok("INCONCLUSIVE: the system suspended the handler in each of 10 trials".to_owned())
        })
        .await;
    }
}

/// Runs a trial of the test above, and returns for how long the handler took at most to answer.
async fn answered(way: Way, first: u64) -> (Result<String, String>, Duration) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let config = Config::new().close_timeout(Duration::from_secs(60));
    let site = Site::start(way, config, move |mut socket: WebSocket| {
        let tell = tell.clone();
        async move {
            let (mut begin, mut longest) = (Instant::now(), Duration::ZERO);
            std::thread::sleep(Duration::from_millis(first));
            while let Some(Ok(message)) = socket.recv().await {
                std::thread::sleep(Duration::from_millis(8));
                if message.is_text() {
                    let _ = socket.send(message).await;
                }
                longest = longest.max(begin.elapsed());
                begin = Instant::now();
            }
            let _ = tell.send(longest);
        }
    })
    .await;
    let mut peer = site.open().await;
    peer.send_raw(&questions()).await;
    let transcript = soon("the answers", peer.all(None)).await;
    let longest = soon("the handler", told.recv()).await.expect("it reports");
    (transcript.check(&["0", "1", "2"].map(Vec::from), 4001).map(|()| transcript.line()), longest)
}

/// The Close is answered at once if no message precedes it or the handler never receives, and
/// otherwise after at most 100 ms.
#[tokio::test(start_paused = true)]
async fn answer_to_the_close_is_delayed_briefly() {
    for (before, taken, expected) in [(0, 0, 0), (1, 0, 0), (3, 0, 0), (1, 1, 100), (3, 1, 100), (3, 2, 130)]
    {
        let (mut peer, socket) = pair(Config::new(), 64 << 10).await;
        let handler = socket.drive(move |mut socket| async move {
            for n in 0..taken {
                sleep(Duration::from_millis(30 * n)).await;
                let _ = socket.recv().await;
            }
            pending::<()>().await;
        });
        tokio::spawn(handler);
        let questions = (0..before).flat_map(|_| frame(FIN | TEXT, b"?"));
        let close = frame(FIN | CLOSE, &4001_u16.to_be_bytes());
        let start = time::Instant::now();
        peer.send_raw(&questions.chain(close).collect::<Vec<_>>()).await;
        assert_eq!(peer.next_close().await, 4001);
        let waited = start.elapsed().as_millis() as i64;
        assert!((expected..expected + 10).contains(&waited), "{before} before, {taken} taken: {waited} ms");
    }
}

/// A failing IO does not count as activity.
#[tokio::test(start_paused = true)]
async fn end_of_stream_ends_the_connection_at_once() {
    let mut wrong = Vec::new();
    for form in FORMS {
        let shutdown = tower_websocket::Shutdown::new();
        let (peer, socket) = pair(Config::new().with_shutdown(&shutdown), 64 << 10).await;
        start(form, socket);
        sleep(Duration::from_secs(3)).await;
        let gone = time::Instant::now();
        drop(peer);
        if time::timeout(Duration::from_secs(1000), shutdown.idle()).await.is_err()
            || gone.elapsed().as_millis() > 100
        {
            wrong.push(format!("{form:?}: {:.2?} after the end of the stream", gone.elapsed()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Ten messages of 15 KB fit into a buffer of 64 KiB, because the IO accepts them meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn try_send_writes_before_it_is_full() {
    let ways = [Way::Tcp, Way::Tls, Way::Unix, Way::Undriven];
    for who in ["the handler", "a task", "a thread"] {
        each(&format!("ten messages by try_send from {who}"), &ways, |way| async move {
            let config = Config::new().max_write_buffer_size(64 << 10);
            let (tell, mut told) = mpsc::unbounded_channel();
            // Otherwise the driver (or without one the reader) may write at the same time on
            // another thread, and the buffer is full while it does.
            let is_alone = who == "the handler";
            let site = Site::start(way, config, move |socket: WebSocket| {
                let tell = tell.clone();
                async move {
                    let (sender, mut receiver) = socket.split();
                    let ten = move || {
                        let (mut taken, mut patience) = (0, if is_alone { 0 } else { 10_000 });
                        while taken < 10 {
                            match sender.try_send(Message::binary(vec![taken; 15_000])) {
                                Ok(()) => taken += 1,
                                Err(TrySendError::Full(_)) if patience > 0 => {
                                    patience -= 1;
                                    std::thread::sleep(Duration::from_millis(1));
                                }
                                Err(_) => break,
                            }
                        }
                        let _ = tell.send((taken, sender));
                    };
                    match who {
                        "the handler" => ten(),
                        "a task" => drop(tokio::spawn(async move { ten() })),
                        _ => drop(std::thread::spawn(ten)),
                    }
                    while receiver.recv().await.is_some() {}
                }
            })
            .await;
            let mut peer = site.open().await;
            let (taken, sender) = soon("ten messages", told.recv()).await.expect("the handler reports");
            for n in 0..taken {
                let mut got = 0;
                while got < 15_000 {
                    let frame = soon("a message that was taken", peer.next()).await;
                    assert!(frame.payload.iter().all(|byte| *byte == n), "message {n} differs");
                    got += frame.payload.len();
                }
            }
            drop(sender);
            if taken == 10 { Ok("all taken".to_owned()) } else { Err(format!("{taken} of 10 taken")) }
        })
        .await;
    }
}

/// A writer whose calls block once it is armed, until it is released.
struct Held {
    io: WriteHalf<DuplexStream>,
    is_armed: Arc<AtomicBool>,
    barrier: Arc<Barrier>,
}

impl AsyncWrite for Held {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_armed.swap(false, Ordering::Relaxed) {
            self.barrier.wait();
            self.barrier.wait();
        }
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// While another thread writes, the amount that the IO accepts is unknown: up to twice the limit is
/// queued.
#[tokio::test(flavor = "multi_thread")]
async fn try_send_does_not_wait_for_a_thread_that_writes() {
    let (io, server) = tokio::io::duplex(1 << 20);
    let (reader, writer) = tokio::io::split(server);
    let (is_armed, barrier) = (Arc::new(AtomicBool::new(false)), Arc::new(Barrier::new(2)));
    let writer = Held { io: writer, is_armed: Arc::clone(&is_armed), barrier: Arc::clone(&barrier) };
    let acceptor = Acceptor::new(AcceptAll).with_config(Config::new().max_write_buffer_size(10_000));
    let (peer, accepted) =
        tokio::join!(Peer::open(io, None), acceptor.accept(tokio::io::join(reader, writer)));
    let (mut peer, socket) = (peer.expect("it opens"), accepted.expect("it opens").0);
    let (sender, _receiver) = socket.split();
    is_armed.store(true, Ordering::Relaxed);
    let other = sender.clone();
    let writing = tokio::spawn(async move {
        other.send(Message::text("held")).await.expect("it is open");
        other.flush().await
    });
    block_in_place(|| barrier.wait());
    let message = || Message::binary(vec![1; 1_000]);
    let taken = (0..100).take_while(|_| sender.try_send(message()).is_ok()).count();
    assert_eq!(taken, 20, "messages of 1004 bytes, until 20,000 bytes wait");
    block_in_place(|| barrier.wait());
    soon("the writer", writing).await.expect("it does not panic").expect("it is open");
    for _ in 0..=taken {
        soon("the accepted messages", peer.next()).await;
    }
}

/// A room of 26 whose members all read: none is considered slow.
#[tokio::test(flavor = "multi_thread")]
async fn room_of_reading_members_is_never_full() {
    each("a room of 26", &[Way::Tcp, Way::Tls, Way::Unix], |way| async move {
        let config = Config::new().max_write_buffer_size(64 << 10);
        let (enter, mut entered) = mpsc::unbounded_channel();
        let site = Site::start(way, config, move |socket: WebSocket| {
            let enter = enter.clone();
            async move {
                let (sender, mut receiver) = socket.split();
                let _ = enter.send(sender);
                while receiver.recv().await.is_some() {}
            }
        })
        .await;
        let mut room = Vec::new();
        let mut readers = Vec::new();
        for _ in 0..26 {
            let mut peer = site.open().await;
            room.push(soon("a member", entered.recv()).await.expect("the handler reports"));
            readers.push(tokio::spawn(async move {
                let mut bytes = 0;
                while bytes < 120_000 {
                    bytes += peer.next().await.payload.len();
                }
                peer
            }));
        }
        let mut full = 0;
        // While another thread writes, up to twice the limit may wait: more than eight messages.
        for n in 0..8 {
            for member in &room {
                match member.try_send(Message::binary(vec![n; 15_000])) {
                    Ok(()) => {}
                    Err(TrySendError::Full(_)) => full += 1,
                    Err(error) => return Err(error.to_string()),
                }
            }
        }
        if full > 0 {
            return Err(format!("{full} of 208 were refused as Full"));
        }
        for reader in readers {
            soon("a member's messages", reader).await.expect("the reader does not panic");
        }
        Ok("208 taken and read".to_owned())
    })
    .await;
}

/// `Full` is returned if the IO accepts nothing. Accepted messages arrive.
#[tokio::test(flavor = "multi_thread")]
async fn try_send_is_full_when_the_io_accepts_nothing() {
    let buffers = Buffers { server: Some(20_000), client: Some(16_000) };
    let config = Config::new().max_write_buffer_size(64 << 10);
    let (tell, mut told) = mpsc::unbounded_channel();
    let site = Site::start_with(Way::Tcp, buffers, config, move |socket: WebSocket| {
        let tell = tell.clone();
        async move {
            let (sender, mut receiver) = socket.split();
            let _ = tell.send(sender);
            while receiver.recv().await.is_some() {}
        }
    })
    .await;
    let mut peer = site.open().await;
    let sender = soon("the sender", told.recv()).await.expect("the handler reports");
    let mut taken = 0;
    let full = loop {
        match sender.try_send(Message::binary(vec![1; 15_000])) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 1000, "it is never full");
    };
    assert!(matches!(full, TrySendError::Full(_)), "{full}");
    let mut bytes = 0;
    while bytes < taken * 15_000 {
        bytes += soon("the accepted messages", peer.next()).await.payload.len();
    }
    soon("room again", sender.send(Message::text("again"))).await.expect("the connection is open");
}

/// A reset or another read error is returned once. Sending fails from then on.
#[tokio::test(flavor = "multi_thread")]
async fn reset_ends_the_socket_for_reader_and_sender() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let site = Site::start(Way::Tcp, Config::new().keepalive_interval(None), move |socket: WebSocket| {
        let tell = tell.clone();
        async move {
            let (sender, mut receiver) = socket.split();
            let mut errors = 0;
            while let Some(message) = receiver.recv().await {
                errors += usize::from(message.is_err());
            }
            let _ = tell.send((errors, sender.send(Message::text("late")).now_or_never()));
        }
    })
    .await;
    let io = crate::site::tcp(site.addr(), Buffers::default()).await.unwrap();
    io.set_zero_linger().unwrap();
    drop(Peer::open(io, None).await.unwrap());
    let (errors, late) = soon("the end", told.recv()).await.expect("the handler reports");
    assert_eq!(errors, 1);
    assert!(matches!(late, Some(Err(Error::AlreadyClosed | Error::Protocol(_) | Error::Io(_)))), "{late:?}");
}

/// A single poll that finds no message must not stop the timers.
#[tokio::test(start_paused = true)]
async fn single_poll_does_not_stop_the_pings() {
    let (mut peer, socket) = pair(Config::new(), 64 << 10).await;
    let (_sender, mut receiver) = socket.split();
    assert!(poll!(receiver.next()).is_pending());
    let begin = time::Instant::now();
    let (ping, end) = ping_and_end(&mut peer, begin).await;
    assert!(
        (ping - 20.0).abs() < 0.1 && (39.9..=45.1).contains(&end),
        "ping at {ping:.2} s, end at {end:.2} s"
    );
}

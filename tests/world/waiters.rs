//! Waiters on several threads: each has its own slot and releases it, and no wake-up is lost.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use futures_util::{FutureExt, SinkExt, StreamExt, stream::FuturesUnordered};
use own_process::block_on_elsewhere;
use raw_client::{
    FIN,
    opcode::{BINARY, CLOSE, TEXT},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    sync::{mpsc, oneshot},
    task::{JoinSet, yield_now},
    time::{sleep, timeout},
};
use tower_websocket::{
    AcceptAll, Acceptor, Config, Message, Sender, WebSocket,
    tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
    websocket::TrySendError,
};

use crate::{
    form::by_form,
    life::pair,
    peer::Peer,
    site::{Buffers, Site, Way},
    trial::{Random, SOON, each, noise, soon, tell, within},
};

/// Returns the number of trials of each race.
fn trials() -> usize {
    by_form(200, 2_000)
}

/// Runs trials one after the other, and prints their number. No trial may hang.
async fn stress<Fut: Future<Output = ()>>(what: &str, trials: usize, mut trial: impl FnMut(u64) -> Fut) {
    let start = Instant::now();
    for n in 0..trials {
        within(SOON, &format!("{what}: trial {n}"), trial(n as u64)).await;
    }
    tell(&format!("| {what} | {trials} trials | {:.1?} |", start.elapsed()));
}

fn quiet() -> Config {
    Config::new().keepalive_interval(None).close_timeout(Duration::from_secs(60))
}

/// A waker that counts its clones and its wake-ups.
#[derive(Default)]
struct Counted(AtomicUsize);

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Closing the sink while another task reads returns, and the reader still receives the messages
/// before the peer's Close.
async fn close_beside_next(way: Way, is_one_task: bool) -> Result<String, String> {
    let (tell_end, mut told) = mpsc::unbounded_channel();
    let site = Site::start(way, quiet(), move |socket: WebSocket| {
        let tell_end = tell_end.clone();
        async move {
            let (mut sink, mut stream) = socket.split_in_futures();
            let reading = async move {
                let mut texts = Vec::new();
                while let Some(message) = stream.next().await {
                    match message {
                        Ok(Message::Text(text)) => texts.push(text.to_string()),
                        Ok(_) => {}
                        Err(error) => texts.push(error.to_string()),
                    }
                }
                Ok(texts)
            };
            let closing = async move {
                // The reader is waiting by now.
                sleep(Duration::from_millis(20)).await;
                Err(sink.close().await.map_err(|error| error.to_string()))
            };
            let (reading, closing) = (reading.boxed(), closing.boxed());
            if is_one_task {
                let mut both: FuturesUnordered<_> = [reading, closing].into_iter().collect();
                while let Some(outcome) = both.next().await {
                    let _ = tell_end.send(outcome);
                }
            } else {
                let mut both = JoinSet::new();
                both.spawn(reading);
                both.spawn(closing);
                while let Some(outcome) = both.join_next().await {
                    let _ = tell_end.send(outcome.expect("no task panics"));
                }
            }
        }
    })
    .await;
    let mut peer = site.open().await;
    let code = soon("our Close", peer.next_close()).await;
    // The messages in flight are for the reader.
    for n in 0..3 {
        peer.send(FIN | TEXT, format!("late {n}")).await;
    }
    let first = soon("close()", told.recv()).await;
    peer.close(code).await;
    let second = soon("the reader's end", told.recv()).await;
    let outcomes = format!("{first:?}, {second:?}");
    let (mut closed, mut read) = (None, None);
    for outcome in [first, second].into_iter().flatten() {
        match outcome {
            Ok(texts) => read = Some(texts),
            Err(result) => closed = Some(result),
        }
    }
    let expected: Vec<_> = (0..3).map(|n| format!("late {n}")).collect();
    soon("the place", site.shutdown.idle()).await;
    if code == 1000 && closed == Some(Ok(())) && read == Some(expected) {
        Ok(outcomes)
    } else {
        Err(outcomes)
    }
}

/// `StreamExt::split`, which the socket's own method of that name hides.
trait SplitInFutures: Sized {
    fn split_in_futures(
        self,
    ) -> (futures_util::stream::SplitSink<Self, Message>, futures_util::stream::SplitStream<Self>);
}

impl<IO: AsyncRead + AsyncWrite + Unpin> SplitInFutures for WebSocket<IO> {
    fn split_in_futures(
        self,
    ) -> (futures_util::stream::SplitSink<Self, Message>, futures_util::stream::SplitStream<Self>) {
        StreamExt::split(self)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_the_sink_returns_while_another_task_reads() {
    each("close while reading, two tasks", &Way::ALL, |way| close_beside_next(way, false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_the_sink_returns_while_the_same_task_reads() {
    each("close while reading, one task", &Way::ALL, |way| close_beside_next(way, true)).await;
}

/// In memory, with two racing tasks, with a driver or without.
#[tokio::test(flavor = "multi_thread")]
async fn closing_the_sink_and_reading_race() {
    for is_driven in [false, true] {
        stress(&format!("close while reading, driven: {is_driven}"), trials() / 2, |n| async move {
            let (mut peer, socket) = pair(quiet(), 1 << 10).await;
            let run = move |socket: WebSocket<DuplexStream>| async move {
                let (mut sink, mut stream) = socket.split_in_futures();
                let reader = tokio::spawn(async move {
                    let mut count = 0;
                    while let Some(Ok(message)) = stream.next().await {
                        count += usize::from(message.is_text());
                    }
                    count
                });
                let closer = tokio::spawn(async move {
                    for _ in 0..n % 3 {
                        yield_now().await;
                    }
                    sink.close().await
                });
                closer.await.expect("closing does not panic").expect("closing succeeds");
                reader.await.expect("reading does not panic")
            };
            let handler = tokio::spawn(async move {
                if is_driven {
                    socket.drive(run).await.expect("nothing drops the handler")
                } else {
                    run(socket).await
                }
            });
            assert_eq!(peer.next_close().await, 1000);
            peer.send(FIN | TEXT, b"late").await;
            peer.close(1000).await;
            assert!(peer.frame().await.expect("no reset").is_none());
            assert_eq!(handler.await.expect("the handler does not panic"), 1, "the late message");
        })
        .await;
    }
}

/// Sends until the IO and the buffer are full.
async fn fill(sender: &Sender<DuplexStream>) {
    let mut refused = 0;
    while refused < 3 {
        match sender.send(Message::binary(vec![1; 1000])).now_or_never() {
            Some(sent) => sent.expect("the connection is open"),
            None => refused += 1,
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// A dropped future leaves nothing behind: no clone of its waker exists.
#[tokio::test]
async fn dropped_future_leaves_no_waker() {
    let (_peer, socket) = pair(quiet().max_write_buffer_size(1000), 100).await;
    let (sender, _receiver) = socket.split();
    fill(&sender).await;
    let mut left = Vec::new();
    for n in 0..1000 {
        let counted = Arc::new(Counted::default());
        let waker = Waker::from(Arc::clone(&counted));
        let mut cx = Context::from_waker(&waker);
        if n % 2 == 0 {
            let sending = pin!(sender.send(Message::binary(vec![1; 1000])));
            assert!(sending.poll(&mut cx).is_pending());
        } else {
            let flushing = pin!(sender.flush());
            assert!(flushing.poll(&mut cx).is_pending());
        }
        drop(waker);
        left.push(Arc::strong_count(&counted) - 1);
    }
    let held: usize = left.iter().sum();
    assert_eq!(held, 0, "{held} wakers of 1,000 dropped futures are still held");
}

/// The same with tasks that time out, and their cost: the cost of a waiter must not grow with the
/// number of waiters.
#[tokio::test(flavor = "multi_thread")]
async fn sixty_thousand_sends_time_out_in_linear_time() {
    let (_peer, socket) = pair(quiet().max_write_buffer_size(1000), 100).await;
    let (sender, _receiver) = socket.split();
    fill(&sender).await;
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..60_000 {
        let sender = sender.clone();
        tasks.spawn(async move {
            timeout(Duration::from_millis(1), sender.send(Message::binary(vec![1; 1000]))).await.is_err()
        });
    }
    while let Some(timed_out) = tasks.join_next().await {
        assert!(timed_out.expect("no task panics"), "the buffer is full");
    }
    let took = start.elapsed();
    tell(&format!("| 60,000 sends that time out | {took:.2?} |"));
    assert!(took < Duration::from_secs(60), "60,000 sends that time out took {took:.1?}");
}

/// Without a driver, a writer continues even if the last reader does not poll again.
#[tokio::test(flavor = "multi_thread")]
async fn writer_continues_without_the_reader() {
    for way in ["memory", "tcp"] {
        stress(
            &format!("a writer without a driver, {way}"),
            if way == "tcp" { by_form(10, 100) } else { trials() / 4 },
            |n| async move {
                let (started, go_on) = (Arc::new(AtomicBool::new(false)), oneshot::channel::<()>());
                if way == "memory" {
                    let (peer, socket) = pair(quiet(), 4 << 10).await;
                    write_without_reader(peer, socket, n, started, go_on).await;
                } else {
                    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                    let addr = listener.local_addr().unwrap();
                    let acceptor = Acceptor::new(AcceptAll).with_config(quiet());
                    let (peer, socket) = tokio::join!(
                        async {
                            Peer::open(crate::site::tcp(addr, Default::default()).await.unwrap(), None)
                                .await
                                .unwrap()
                        },
                        async { acceptor.accept(listener.accept().await.unwrap().0).await.unwrap().0 },
                    );
                    write_without_reader(peer, socket, n, started, go_on).await;
                }
            },
        )
        .await;
    }
}

async fn write_without_reader<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    mut peer: Peer,
    socket: WebSocket<IO>,
    n: u64,
    started: Arc<AtomicBool>,
    (done, waits): (oneshot::Sender<()>, oneshot::Receiver<()>),
) {
    const SIZE: usize = 300_000;
    // More than the kernel accepts at once, over TCP.
    const COUNT: usize = 20;
    let (mut sink, mut stream) = socket.split_in_futures();
    let has_started = Arc::clone(&started);
    let reader = tokio::spawn(async move {
        while n % 2 == 0 && !has_started.load(Ordering::Acquire) {
            yield_now().await;
        }
        // Polls once, and then waits for something else.
        let looked = poll_fn(|cx| Poll::Ready(stream.poll_next_unpin(cx).is_ready())).await;
        assert!(!looked, "nothing is there to be read");
        let _ = waits.await;
        stream
    });
    let writer = tokio::spawn(async move {
        started.store(true, Ordering::Release);
        for _ in 0..COUNT {
            sink.send(Message::binary(vec![1; SIZE])).await?;
        }
        Ok::<_, tower_websocket::Error>(sink)
    });
    let mut bytes = 0;
    while bytes < SIZE * COUNT {
        bytes += peer.next().await.payload.len();
    }
    let sink = writer.await.expect("the writer does not panic").expect("the connection is open");
    let _ = done.send(());
    drop((sink, reader.await.expect("the reader does not panic")));
}

/// Flush waits for the messages sent before it, not for an empty buffer.
#[tokio::test(flavor = "multi_thread")]
async fn flush_returns_while_a_sender_never_stops() {
    each(
        "flush while a sender sends",
        &[Way::Tcp, Way::Tls, Way::Unix, Way::Http2, Way::Memory],
        |way| async move {
            let (tell_end, mut told) = mpsc::unbounded_channel();
            let config = quiet().max_write_buffer_size(16 << 10);
            let buffers = Buffers { server: Some(20_000), client: Some(16_000) };
            let site = Site::start_with(way, buffers, config, move |socket: WebSocket| {
                let tell_end = tell_end.clone();
                async move {
                    let (sender, _receiver) = socket.split();
                    let busy = sender.clone();
                    let sending = tokio::spawn(async move {
                        while busy.send(Message::binary(vec![1; 1000])).await.is_ok() {}
                    });
                    // Not in the handler's own task, whose messages are coalesced.
                    let flushing = tokio::spawn(async move {
                        for _ in 0..20 {
                            let start = Instant::now();
                            let sent = sender.send(Message::text("mine")).await;
                            let flushed = sender.flush().await;
                            let _ = tell_end.send((start.elapsed(), sent.and(flushed)));
                        }
                    });
                    let _ = flushing.await;
                    sending.abort();
                }
            })
            .await;
            let mut peer = site.open().await;
            // So slowly that the buffer is never empty.
            peer.set_rate(1_000_000);
            let reading = tokio::spawn(async move { while let Ok(Some(_)) = peer.frame().await {} });
            let mut longest = Duration::ZERO;
            for n in 0..20 {
                let (took, flushed) =
                    soon(&format!("flush number {n}"), told.recv()).await.expect("the handler reports");
                flushed.map_err(|error| error.to_string())?;
                longest = longest.max(took);
            }
            reading.abort();
            Ok(format!("20 flushes, the longest {longest:.1?}"))
        },
    )
    .await;
}

/// When flush returns, the IO has accepted all messages sent before it, by any task.
#[tokio::test(flavor = "multi_thread")]
async fn flush_waits_for_earlier_messages() {
    stress("flush waits for its position", trials(), |n| async move {
        let (io, server) = tokio::io::duplex(64);
        let written = Arc::new(AtomicUsize::new(0));
        let server = Tap { io: server, written: Arc::clone(&written), is_armed: Arc::default() };
        let acceptor = Acceptor::new(AcceptAll).with_config(quiet().max_write_buffer_size(4096));
        let (peer, accepted) = tokio::join!(Peer::open(io, None), acceptor.accept(server));
        let (mut peer, (socket, ())) = (peer.expect("it opens"), accepted.expect("it opens"));
        written.store(0, Ordering::Release);
        let (sender, _receiver) = socket.split();
        let sent = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for task in 0..2 + n % 2 {
            let (sender, sent, written) = (sender.clone(), Arc::clone(&sent), Arc::clone(&written));
            tasks.spawn(async move {
                for m in 0..5 {
                    let len = 126 + noise(n + task, 5)[m] as usize * 3;
                    sender.send(Message::binary(vec![1; len])).await.expect("the connection is open");
                    sent.fetch_add(4 + len, Ordering::AcqRel);
                    if (m as u64 + task) % 2 == 0 {
                        let position = sent.load(Ordering::Acquire);
                        sender.flush().await.expect("the connection is open");
                        let written = written.load(Ordering::Acquire);
                        assert!(
                            written >= position,
                            "flush returned with {written} of {position} bytes written"
                        );
                    }
                }
            });
        }
        let mut frames = 0;
        while frames < 5 * (2 + n % 2) {
            assert_eq!(peer.next().await.opcode(), BINARY);
            frames += 1;
        }
        while let Some(task) = tasks.join_next().await {
            task.expect("flush waits for earlier messages");
        }
    })
    .await;
}

/// The space is counted correctly: if less than the limit is queued, there is space.
#[tokio::test]
async fn count_of_free_space_does_not_drift() {
    const LIMIT: usize = 4096;
    let mut steps = 0;
    for seed in 0..20 {
        let mut random = Random(seed);
        let (mut peer, socket) = pair(quiet().max_write_buffer_size(LIMIT), 512).await;
        let (sender, _receiver) = socket.split();
        let (mut accepted, mut read) = (0, 0);
        for _ in 0..1000 {
            steps += 1;
            let len = [0, 1, 36, 125, 126, 700, 1500][random.below(7)];
            let message = match random.below(4) {
                0 => Message::Ping(vec![1; len.min(125)].into()),
                1 => Message::Frame(Frame::message(vec![1; len], OpCode::Data(Data::Binary), true)),
                _ => Message::binary(vec![1; len]),
            };
            let len = message.len();
            let len =
                if matches!(message, Message::Frame(_)) { len } else { len + if len < 126 { 2 } else { 4 } };
            match sender.try_send(message) {
                Ok(()) => accepted += len,
                Err(TrySendError::Full(_)) => {
                    let waiting = accepted - read;
                    assert!(
                        waiting >= LIMIT / 2,
                        "seed {seed}: Full with {waiting} bytes in a buffer of {LIMIT}"
                    );
                    // The peer reads a little, or everything.
                    let most = if random.below(2) == 0 { 1 } else { usize::MAX };
                    for _ in 0..most {
                        if read == accepted {
                            break;
                        }
                        let len = soon("a frame", peer.next()).await.payload.len();
                        read += len + if len < 126 { 2 } else { 4 };
                    }
                }
                Err(error) => panic!("seed {seed}: {error}"),
            }
            if random.below(8) == 0 {
                // A sender that gives up while it waits.
                let _ = sender.send(Message::binary(vec![1; 900])).now_or_never().map(|sent| {
                    sent.expect("the connection is open");
                    accepted += 904;
                });
                yield_now().await;
            }
        }
        while read < accepted {
            let len = soon("the rest", peer.next()).await.payload.len();
            read += len + if len < 126 { 2 } else { 4 };
        }
        assert_eq!(read, accepted, "seed {seed}");
        soon("flush", sender.flush()).await.expect("the connection is open");
        sender.try_send(Message::binary(vec![1; 36])).expect("nothing waits");
    }
    tell(&format!("| room does not drift | {steps} steps |"));
}

/// A buffer that is never empty must not fill up: pongs, which may be merged, do not use up space
/// permanently.
#[tokio::test]
async fn pongs_do_not_use_up_the_space() {
    let (mut peer, socket) = pair(quiet().max_write_buffer_size(4096), 512).await;
    let (sender, _receiver) = socket.split();
    for n in 0..2000 {
        // At most two of each are queued.
        for message in [Message::Pong(vec![1; 100].into()), Message::binary(vec![1; 700])] {
            let sent = sender.try_send(message);
            assert!(sent.is_ok(), "round {n}: Full with less than 2,000 bytes in a buffer of 4,096");
        }
        while n > 0 && soon("the message before", peer.next()).await.opcode() != BINARY {}
    }
}

/// Many senders, a flusher, and a reader that answers. Some senders give up. Every task makes
/// progress.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_among_senders() {
    stress("senders, flushers, and some that give up", trials(), |n| async move {
        let mut random = Random(n);
        let (mut peer, socket) = pair(quiet().max_write_buffer_size(200), 1 + random.below(300)).await;
        let (sender, mut receiver) = socket.split();
        let mut tasks = JoinSet::new();
        for task in 0..4_u8 {
            let sender = sender.clone();
            let gives_up = random.below(3) == 0;
            let flushes = random.below(2) == 0;
            tasks.spawn(async move {
                let mut sent = 0;
                for m in 0..6 {
                    let message = Message::binary(vec![task; 20 + 40 * m]);
                    if gives_up && m % 2 == 0 {
                        // Polled a few times and dropped. The result tells whether the message was
                        // sent.
                        let mut sending = pin!(sender.send(message));
                        let mut result = None;
                        for _ in 0..3 {
                            result = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx))).await.into();
                            if matches!(result, Some(Poll::Ready(_))) {
                                break;
                            }
                            yield_now().await;
                        }
                        sent += usize::from(matches!(result, Some(Poll::Ready(Ok(())))));
                    } else {
                        sender.send(message).await.expect("the connection is open");
                        sent += 1;
                    }
                    if flushes {
                        sender.flush().await.expect("the connection is open");
                    }
                }
                sent
            });
        }
        let reading = tokio::spawn(async move {
            let mut count = 0;
            loop {
                let frame = peer.next().await;
                if frame.opcode() == CLOSE {
                    peer.close(1000).await;
                    assert!(peer.frame().await.expect("no reset").is_none());
                    return count;
                }
                assert_eq!(frame.opcode(), BINARY);
                count += 1;
            }
        });
        let mut sent = 0;
        while let Some(count) = tasks.join_next().await {
            sent += count.expect("no sender panics");
        }
        drop(sender);
        while let Some(Ok(_)) = receiver.recv().await {}
        assert_eq!(reading.await.expect("the peer does not panic"), sent, "sent messages arrive");
    })
    .await;
}

/// The same from threads outside the runtime.
#[tokio::test(flavor = "multi_thread")]
async fn no_wake_up_is_lost_to_threads_outside_the_runtime() {
    stress("threads outside the runtime", trials() / 4, |n| async move {
        let (mut peer, socket) = pair(quiet().max_write_buffer_size(100), 50).await;
        let (sender, mut receiver) = socket.split();
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let sender = sender.clone();
                std::thread::spawn(move || {
                    for _ in 0..5 {
                        block_on_elsewhere(sender.send(Message::binary(vec![1; 60 + n as usize % 50])))
                            .expect("the connection is open");
                    }
                })
            })
            .collect();
        drop(sender);
        for _ in 0..10 {
            assert_eq!(peer.next().await.opcode(), BINARY);
        }
        assert_eq!(peer.next_close().await, 1000);
        peer.close(1000).await;
        while let Some(Ok(_)) = receiver.recv().await {}
        for thread in threads {
            thread.join().expect("no thread panics");
        }
    })
    .await;
}

/// Halves that move between tasks. Each task polls with its own waker.
#[tokio::test(flavor = "multi_thread")]
async fn moved_receiver_is_woken_in_its_current_task() {
    stress("a receiver that moves", trials(), |n| async move {
        let (mut peer, socket) = pair(quiet(), 64).await;
        let (sender, mut receiver) = socket.split();
        let moved = tokio::spawn(async move {
            for _ in 0..3 {
                receiver = tokio::spawn(async move {
                    let _ = poll_fn(|cx| Poll::Ready(pin!(receiver.recv()).poll(cx).is_ready())).await;
                    receiver
                })
                .await
                .expect("looking does not panic");
            }
            let mut count = 0;
            while let Some(Ok(message)) = receiver.recv().await {
                count += usize::from(message.is_text());
                if message.is_text() {
                    break;
                }
            }
            (receiver, count)
        });
        for _ in 0..n % 4 {
            yield_now().await;
        }
        sleep(Duration::from_micros(n % 7 * 20)).await;
        // The polls before may have received messages. At least one arrives after them.
        for _ in 0..4 {
            peer.send(FIN | TEXT, b"text").await;
        }
        let (_receiver, count) = moved.await.expect("reading does not panic");
        assert_eq!(count, 1);
        drop(sender);
    })
    .await;
}

/// A raw frame that is too large returns an error to its sender, at any position in the queue.
#[tokio::test(flavor = "multi_thread")]
async fn oversized_raw_frame_is_its_senders_error() {
    let huge = || Message::Frame(Frame::message(vec![1; 2 << 20], OpCode::Data(Data::Binary), true));
    for (before, size) in [(0, 0), (1, 10), (1, 200_000), (3, 10), (3, 200_000)] {
        let (mut peer, socket) = pair(quiet(), 16 << 10).await;
        let reading = tokio::spawn(async move {
            let mut lens = Vec::new();
            while let Ok(Some(frame)) = peer.frame().await {
                if frame.opcode() == CLOSE {
                    peer.close(1000).await;
                    continue;
                }
                lens.push(frame.payload.len());
            }
            lens
        });
        let context = format!("behind {before} messages of {size} bytes");
        let (sender, mut receiver) = socket.split();
        tokio::spawn(async move { while let Some(Ok(_)) = receiver.recv().await {} });
        let mut senders = vec![sender.clone(); before + 1];
        // Each is notified of space before any of them uses it.
        for sender in &mut senders {
            let ready = poll_fn(|cx| sender.poll_ready_unpin(cx));
            soon(&context, ready).await.expect("the connection is open");
        }
        let mut last = senders.pop().expect("there is one");
        for sender in &mut senders {
            let message = Message::binary(vec![1; size]);
            sender.start_send_unpin(message).expect("the connection is open");
        }
        let huge = last.start_send_unpin(huge());
        assert!(huge.is_err(), "{context}: a raw frame of 2 MiB is taken");
        let after = soon(&context, sender.send(Message::binary(vec![1; 20]))).await;
        assert!(after.is_ok(), "{context}: then {after:?}");
        soon(&context, sender.flush()).await.expect("the connection is open");
        drop((sender, senders, last));
        let lens = soon(&context, reading).await.expect("the peer does not panic");
        assert_eq!((lens.iter().sum::<usize>(), lens.last()), (before * size + 20, Some(&20)), "{context}");
    }
}
/// IO that counts the accepted bytes, and panics once when it is armed and written to.
struct Tap {
    io: DuplexStream,
    written: Arc<AtomicUsize>,
    is_armed: Arc<AtomicBool>,
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_armed.swap(false, Ordering::Relaxed) {
            std::panic::resume_unwind(Box::new("on purpose"));
        }
        let taken = Pin::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(n)) = taken {
            self.written.fetch_add(n, Ordering::AcqRel);
        }
        taken
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// After the IO has panicked in one sender's task, other senders complete or fail. None waits
/// forever.
#[tokio::test(flavor = "multi_thread")]
async fn io_panic_in_a_senders_task_strands_no_other_sender() {
    for is_driven in [false, true] {
        let what = format!("IO that panics, driven: {is_driven}");
        stress(&what, trials() / 4, |n| async move {
            let (io, server) = tokio::io::duplex(64);
            let is_armed = Arc::new(AtomicBool::new(false));
            let server = Tap { io: server, written: Arc::default(), is_armed: Arc::clone(&is_armed) };
            let acceptor = Acceptor::new(AcceptAll).with_config(quiet().max_write_buffer_size(256));
            let (peer, accepted) = tokio::join!(Peer::open(io, None), acceptor.accept(server));
            let (mut peer, socket) = (peer.expect("it opens"), accepted.expect("it opens").0);
            let run = move |socket: WebSocket<Tap>| async move {
                let (sender, mut receiver) = socket.split();
                if n % 2 == 0 {
                    sender.send(Message::text("before")).await.expect("the connection is open");
                    let _ = sender.flush().await;
                }
                is_armed.store(true, Ordering::Relaxed);
                let panicking = sender.clone();
                // The panic may occur here or in the driver.
                let _ = tokio::spawn(async move {
                    let _ = panicking.send(Message::text("panics")).await;
                    let _ = panicking.flush().await;
                })
                .await;
                // More than the buffer holds.
                for _ in 0..10 {
                    if sender.send(Message::binary(vec![1; 100])).await.is_err() {
                        break;
                    }
                }
                let _ = sender.flush().await;
                drop(sender);
                while let Some(Ok(_)) = receiver.recv().await {}
            };
            let peer = tokio::spawn(async move {
                while let Ok(Some(frame)) = peer.frame().await {
                    if frame.opcode() == CLOSE {
                        let _ = peer.try_send_raw(&raw_client::frame(FIN | CLOSE, &frame.payload)).await;
                    }
                }
            });
            // The driver may panic with the IO.
            let _ = tokio::spawn(async move {
                if is_driven {
                    socket.drive(run).await;
                } else {
                    run(socket).await;
                }
            })
            .await;
            peer.await.expect("the peer gets an end");
        })
        .await;
    }
}

/// A `Sink` that was polled and is kept, as when `select!` drops its future, does not block other
/// senders.
#[tokio::test]
async fn unpolled_sink_does_not_block_other_senders() {
    let (mut peer, socket) = pair(quiet().max_write_buffer_size(1000), 100).await;
    let (sender, _receiver) = socket.split();
    fill(&sender).await;
    let mut idle = Vec::new();
    for _ in 0..500 {
        let mut sink = sender.clone();
        assert!(sink.feed(Message::text("")).now_or_never().is_none(), "there is room");
        idle.push(sink);
    }
    // Each waits behind them.
    let mut sending = JoinSet::new();
    for n in 0..10_u8 {
        let sender = sender.clone();
        sending.spawn(async move { sender.send(Message::binary(vec![n; 900])).await });
        yield_now().await;
    }
    let reading = tokio::spawn(async move { while let Ok(Some(_)) = peer.frame().await {} });
    while let Some(sent) = soon("the others", sending.join_next()).await {
        sent.expect("it does not panic").expect("the connection is open");
    }
    drop(idle);
    reading.abort();
}

/// The same without a driver, where the woken task does the work: a socket that moves to another
/// task.
#[tokio::test]
async fn undriven_socket_forgets_where_it_waited_as_a_sink() {
    let (mut peer, mut socket) = pair(quiet().max_write_buffer_size(1000), 100).await;
    let message = || Message::binary(vec![1; 2000]);
    tokio::spawn(async move {
        while socket.feed(message()).now_or_never().is_some() {}
        socket
    })
    .then(|socket| async {
        let mut socket = socket.expect("it does not panic");
        let flushing = tokio::spawn(async move { socket.flush().await.map(|()| socket) });
        yield_now().await;
        let reading = tokio::spawn(async move { while let Ok(Some(_)) = peer.frame().await {} });
        soon("the flush", flushing).await.expect("it does not panic").expect("the connection is open");
        reading.abort();
    })
    .await;
}

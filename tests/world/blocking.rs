//! Handlers that block their thread or compute on it.

use std::{
    future::Future,
    io::{BufRead, BufReader},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, SinkExt};
use own_process::block_on_elsewhere;
use raw_client::{
    FIN,
    opcode::{BINARY, CLOSE, PING, PONG, TEXT},
};
use tokio::{
    runtime::{Builder, Handle},
    sync::{Notify, mpsc},
    task::block_in_place,
};
use tower_websocket::{CloseCode, Config, Error, Message, WebSocket};

use crate::{
    life::pair,
    peer::Peer,
    site::{Site, Way},
    trial::{SOON, each, each_in_turn, soon, within},
};

/// Programs do this to call asynchronous code from synchronous code.
fn block_on<F: Future>(future: F) -> F::Output {
    block_in_place(|| Handle::current().block_on(future))
}

/// Runs a test on four threads. Handlers that are still blocked at its end are not awaited.
fn run(test: impl Future<Output = ()>) {
    let runtime =
        Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("there are threads");
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test)));
    runtime.shutdown_background();
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

fn quiet() -> Config {
    Config::new().keepalive_interval(None).close_timeout(Duration::from_secs(60))
}

/// Computes on this thread.
fn compute(time: Duration) {
    let start = Instant::now();
    let mut sum = 0_u64;
    while start.elapsed() < time {
        sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(1));
    }
}

#[test]
fn close_inside_block_in_place_sends_its_close_and_returns() {
    run(async {
        each("close in block_in_place", &Way::ALL, |way| async move {
            let (tell, mut told) = mpsc::unbounded_channel();
            let site = Site::start(way, quiet(), move |mut socket: WebSocket| {
                let tell = tell.clone();
                async move {
                    let closed =
                        block_on(socket.close(CloseCode::try_from(4000).expect("it may be sent"), "bye"));
                    let _ = tell.send(closed.map_err(|error| error.to_string()));
                }
            })
            .await;
            let mut peer = site.open().await;
            let code = soon("the Close", peer.next_close()).await;
            peer.close(code).await;
            soon("close()", told.recv()).await.expect("the handler reports")?;
            match soon("the end of the stream", peer.frame()).await {
                Ok(None) if code == 4000 => Ok(format!("Close {code}, and the end")),
                other => Err(format!("Close {code}, then {other:?}")),
            }
        })
        .await;
    });
}

/// 32 MiB is more than the kernel accepts at once.
#[test]
fn large_send_inside_block_in_place_completes() {
    run(async {
        const SIZE: usize = 32 << 20;
        each("32 MiB in block_in_place", &Way::ALL, |way| async move {
            let (tell, mut told) = mpsc::unbounded_channel();
            let site = Site::start(way, quiet(), move |socket: WebSocket| {
                let tell = tell.clone();
                async move {
                    let _ = tell.send(block_on(send_large(socket)));
                }
            })
            .await;
            let mut peer = site.open().await;
            let mut bytes = 0;
            while bytes < SIZE {
                let frame = match tokio::time::timeout(SOON, peer.frame()).await {
                    Ok(frame) => frame.map_err(|error| format!("after {bytes} bytes: {error}"))?,
                    Err(_) => return Err(format!("nothing more comes after {bytes} bytes")),
                };
                bytes += frame.ok_or(format!("the end after {bytes} bytes"))?.payload.len();
            }
            let sent = soon("send()", told.recv()).await.expect("the handler reports");
            sent.map(|()| format!("{bytes} bytes")).map_err(|error| error.to_string())
        })
        .await;

        async fn send_large(mut socket: WebSocket) -> Result<(), Error> {
            socket.send(Message::binary(vec![1; SIZE])).await
        }
    });
}

/// Sends a question through a sender, and awaits the answer on the receiver.
#[test]
fn question_inside_block_in_place_is_sent_before_its_answer_is_awaited() {
    run(async {
        for is_whole in [false, true] {
            let what = if is_whole { "a question by the socket" } else { "a question by a sender" };
            each(what, &Way::ALL, |way| async move {
                let (tell, mut told) = mpsc::unbounded_channel();
                let site = Site::start(way, quiet(), move |mut socket: WebSocket| {
                    let tell = tell.clone();
                    async move {
                        if is_whole {
                            block_on(async {
                                socket.send(Message::text("question")).await.expect("it is open");
                                let _ = tell.send(socket.recv().await);
                            });
                        } else {
                            let (sender, mut receiver) = socket.split();
                            block_on(async {
                                sender.send(Message::text("question")).await.expect("it is open");
                                let _ = tell.send(receiver.recv().await);
                            });
                        }
                    }
                })
                .await;
                let mut peer = site.open().await;
                let question = soon("the question", peer.next()).await;
                if question.payload != b"question" {
                    return Err(format!("{question:?}"));
                }
                peer.send(FIN | TEXT, b"answer").await;
                match soon("the answer", told.recv()).await {
                    Some(Some(Ok(message))) if message == Message::text("answer") => {
                        Ok("answered".to_owned())
                    }
                    other => Err(format!("{other:?}")),
                }
            })
            .await;
        }
    });
}

/// Pings are answered while the handler blocks its thread on a receive, and while it blocks on
/// something else.
#[test]
fn pings_are_answered_inside_block_in_place() {
    run(async {
        // Without a driver, only the reader can answer.
        each("pings in block_in_place", &Way::ALL, |way| async move {
            let site = Site::start(way, quiet(), move |mut socket: WebSocket| async move {
                block_on(async { while let Some(Ok(_)) = socket.recv().await {} });
            })
            .await;
            let mut peer = site.open().await;
            for n in 0..5 {
                peer.send(FIN | PING, [n]).await;
                let pong = soon(&format!("the answer to ping {n}"), peer.next()).await;
                if (pong.opcode(), &pong.payload[..]) != (PONG, &[n]) {
                    return Err(format!("{pong:?}"));
                }
            }
            Ok("5 answered".to_owned())
        })
        .await;
    });
}

/// A handler that blocks in an executor other than tokio's receives more than a turn usually may,
/// and what it receives while it closes is discarded.
#[test]
fn handler_in_another_executor_receives_everything() {
    const COUNT: u32 = 3000;
    run(async {
        // Otherwise no thread might look for IO: tokio does not know that the handler's is blocked.
        let lively = tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        // HTTP/2 needs other tasks of the blocked worker.
        let ways = [Way::Tcp, Way::Tls, Way::Unix, Way::Undriven];
        each_in_turn("another executor", &ways, |way| async move {
            let (tell, mut told) = mpsc::unbounded_channel();
            let site = Site::start(way, quiet(), move |mut socket: WebSocket| {
                let tell = tell.clone();
                async move {
                    block_on_elsewhere(async {
                        for _ in 0..COUNT {
                            let Some(Ok(message)) = socket.recv().await else { return };
                            if socket.send(message).await.is_err() {
                                return;
                            }
                        }
                    });
                    let closed = block_on_elsewhere(socket.close(CloseCode::NORMAL, ""));
                    let _ = tell.send(closed.map_err(|error| error.to_string()));
                }
            })
            .await;
            let mut peer = site.open().await;
            for batch in 0..COUNT / 100 {
                for n in 0..100 {
                    peer.send(FIN | BINARY, (100 * batch + n).to_be_bytes()).await;
                }
                for n in 0..100 {
                    let n = 100 * batch + n;
                    let echo = soon(&format!("message {n}"), peer.next()).await;
                    if echo.payload[..] != n.to_be_bytes() {
                        return Err(format!("{echo:?} instead of {n}"));
                    }
                }
            }
            assert_eq!(soon("the Close", peer.next_close()).await, 1000);
            for _ in 0..COUNT {
                peer.send(FIN | BINARY, "unwanted").await;
            }
            peer.close(1000).await;
            soon("close()", told.recv()).await.expect("the handler reports")?;
            Ok(format!("{COUNT} echoed"))
        })
        .await;
        lively.abort();
    });
}

/// A handler that blocks on something else does not delay the messages of other tasks.
#[test]
fn messages_of_other_tasks_are_sent_while_the_handler_blocks() {
    run(async {
        let ways = [Way::Tcp, Way::Tls, Way::Unix, Way::Http2, Way::Memory, Way::Undriven];
        each("other tasks' messages", &ways, |way| async move {
            let (enter, mut entered) = mpsc::unbounded_channel();
            let go_on = Arc::new(Notify::new());
            let released = Arc::clone(&go_on);
            let site = Site::start(way, quiet(), move |socket: WebSocket| {
                let (enter, released) = (enter.clone(), Arc::clone(&released));
                async move {
                    let (sender, receiver) = socket.split();
                    let _ = enter.send(sender.clone());
                    block_on(released.notified());
                    drop((sender, receiver));
                }
            })
            .await;
            let mut peer = site.open().await;
            let sender = soon("the sender", entered.recv()).await.expect("the handler reports");
            let mut result = Ok("10 arrived".to_owned());
            for n in 0..10_u8 {
                soon("send()", sender.send(Message::binary(vec![n])))
                    .await
                    .map_err(|error| error.to_string())?;
                if tokio::time::timeout(SOON, peer.next()).await.is_err() {
                    result = Err(format!("message {n} has not come after {SOON:?}"));
                    break;
                }
            }
            // The handler's thread must not stay blocked after the test.
            go_on.notify_one();
            result
        })
        .await;
    });
}

/// Another task sends a message that is larger than all buffers while the handler blocks.
#[test]
fn large_message_of_another_task_is_sent_while_the_handler_blocks() {
    run(async {
        let ways = [Way::Tcp, Way::Tls, Way::Unix, Way::Http2, Way::Memory];
        each("another task's 16 MiB", &ways, |way| async move {
            let go_on = Arc::new(Notify::new());
            let released = Arc::clone(&go_on);
            let site = Site::start(way, quiet(), move |socket: WebSocket| {
                let released = Arc::clone(&released);
                async move {
                    let (sender, receiver) = socket.split();
                    tokio::spawn(async move {
                        for _ in 0..16 {
                            sender.send(Message::binary(vec![1; 1 << 20])).await.expect("it is open");
                        }
                        sender.flush().await.expect("it is open");
                    });
                    block_on(released.notified());
                    drop(receiver);
                }
            })
            .await;
            let mut peer = site.open().await;
            let mut bytes = 0;
            let mut result = Ok("16 MiB arrived".to_owned());
            while bytes < 16 << 20 {
                match tokio::time::timeout(SOON, peer.next()).await {
                    Ok(frame) if frame.opcode() != CLOSE => bytes += frame.payload.len(),
                    other => {
                        result = Err(format!("after {bytes} bytes: {other:?}"));
                        break;
                    }
                }
            }
            go_on.notify_one();
            result
        })
        .await;
    });
}

/// Receives `count` messages, and counts them in `arrived`.
///
/// The client has its own thread: while a handler computes, it may block the thread of the runtime
/// that polls for input.
fn receive(site: &Site, arrived: &AtomicUsize, count: usize) {
    let client = || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("there are threads");
        runtime.block_on(async {
            let mut peer = soon("the handshake", site.open()).await;
            for n in 0..count {
                let frame = soon(&format!("message {n}"), peer.next()).await;
                assert_eq!((frame.opcode(), &frame.payload[..]), (BINARY, &[n as u8][..]));
                arrived.fetch_add(1, Ordering::Release);
            }
        });
    };
    block_in_place(|| {
        thread::scope(|scope| scope.spawn(client).join().expect("the client does not panic"));
    });
}

/// Computes until `count` messages have arrived at the client. Returns `false` if they do not.
fn computes_until(arrived: &AtomicUsize, count: usize) -> bool {
    let start = Instant::now();
    while arrived.load(Ordering::Acquire) < count {
        if start.elapsed() > Duration::from_secs(10) {
            return false;
        }
        compute(Duration::from_millis(1));
    }
    true
}

/// The handler flushes and computes four times. Each message arrives while it computes.
#[test]
fn flush_writes_at_once_in_a_computing_handler() {
    run(async {
        // An HTTP/2 connection's task may be queued on the thread that computes.
        let ways = [Way::Tcp, Way::Tls, Way::Unix, Way::Memory, Way::Undriven];
        for is_split in [false, true] {
            each_in_turn(&format!("flush, then computing; split: {is_split}"), &ways, |way| async move {
                let arrived = Arc::new(AtomicUsize::new(0));
                let (tell, mut told) = mpsc::unbounded_channel();
                let counted = Arc::clone(&arrived);
                let site = Site::start(way, quiet(), move |mut socket: WebSocket| {
                    let (tell, arrived) = (tell.clone(), Arc::clone(&counted));
                    async move {
                        if is_split {
                            let (sender, _receiver) = socket.split();
                            for n in 0..4 {
                                sender.send(Message::binary(vec![n])).await.expect("it is open");
                                sender.flush().await.expect("it is open");
                                let _ = tell.send(computes_until(&arrived, usize::from(n) + 1));
                            }
                        } else {
                            for n in 0..4 {
                                socket.send(Message::binary(vec![n])).await.expect("it is open");
                                SinkExt::flush(&mut socket).await.expect("it is open");
                                let _ = tell.send(computes_until(&arrived, usize::from(n) + 1));
                            }
                        }
                    }
                })
                .await;
                receive(&site, &arrived, 4);
                while_computing(&mut told, 4).await
            })
            .await;
        }
    });
}

/// Checks that each of `count` messages arrived while the handler computed.
async fn while_computing(told: &mut mpsc::UnboundedReceiver<bool>, count: usize) -> Result<String, String> {
    for n in 0..count {
        if !soon("the handler", told.recv()).await.expect("it reports") {
            return Err(format!("message {n} did not arrive while the handler computed"));
        }
    }
    Ok(format!("{count} messages arrived while the handler computed"))
}

/// How the handler uses the socket after it has computed.
#[derive(Clone, Copy, Debug)]
enum Touch {
    Sends,
    TrySends,
    LooksForMessages,
}

/// Messages sent before a computation are written when the handler uses the socket again.
#[test]
fn corked_messages_are_written_at_the_next_use() {
    run(async {
        for touch in [Touch::Sends, Touch::TrySends, Touch::LooksForMessages] {
            // An HTTP/2 connection's task may be queued on the thread that computes.
            let ways = [Way::Tcp, Way::Tls, Way::Unix, Way::Memory];
            each_in_turn(&format!("computing, then {touch:?}"), &ways, |way| async move {
                let arrived = Arc::new(AtomicUsize::new(0));
                let (tell, mut told) = mpsc::unbounded_channel();
                let counted = Arc::clone(&arrived);
                let site = Site::start(way, quiet(), move |socket: WebSocket| {
                    let (tell, arrived) = (tell.clone(), Arc::clone(&counted));
                    async move {
                        let (sender, mut receiver) = socket.split();
                        for n in 0..4 {
                            match touch {
                                Touch::TrySends => {
                                    sender.try_send(Message::binary(vec![n])).expect("it is open")
                                }
                                _ => sender.send(Message::binary(vec![n])).await.expect("it is open"),
                            }
                            let mut expected = usize::from(n);
                            if matches!(touch, Touch::LooksForMessages) {
                                compute(Duration::from_millis(20));
                                // It finds no message, and at last the end.
                                drop(receiver.recv().now_or_never());
                                expected += 1;
                            }
                            if expected > 0 {
                                let _ = tell.send(computes_until(&arrived, expected));
                            }
                            compute(Duration::from_millis(20));
                        }
                    }
                })
                .await;
                receive(&site, &arrived, 4);
                let count = if matches!(touch, Touch::LooksForMessages) { 4 } else { 3 };
                while_computing(&mut told, count).await
            })
            .await;
        }
    });
}

/// Set in the environment of a child process.
const CHILD: &str = "TOWER_WEBSOCKET_WORLD_CHILD";

/// The child process of the test below.
#[ignore = "another test runs it in a process of its own"]
#[tokio::test(flavor = "multi_thread")]
async fn child_that_exits_after_a_flush() {
    // With `--ignored`, it also runs without its parent, and no client would connect.
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let site = Site::start(Way::Tcp, quiet(), |socket: WebSocket| async move {
        let (sender, _receiver) = socket.split();
        sender.send(Message::text("the last words")).await.expect("it is open");
        sender.flush().await.expect("it is open");
        std::process::exit(0);
    })
    .await;
    println!("\nlistens at {}", site.addr());
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flushed_data_arrives_when_the_process_exits() {
    let mut child = Command::new(std::env::current_exe().expect("there is a test binary"))
        .args(["--exact", "blocking::child_that_exits_after_a_flush", "--ignored", "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test binary starts");
    let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
    let addr = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("listens at ")?.parse().ok());
    let io = crate::site::tcp(addr.expect("the child prints its address"), Default::default())
        .await
        .expect("it listens");
    let mut peer = Peer::open(io, None).await.expect("it opens");
    let words = within(Duration::from_secs(10), "the last words", peer.frame()).await;
    let status = child.wait().expect("the child ends");
    assert!(status.success(), "{status}");
    assert_eq!(words.ok().flatten().map(|frame| frame.payload), Some(b"the last words".to_vec()));
}

/// Events during a second blocking poll of the handler are noticed, even if a first, short one has
/// already woken the rescue thread.
#[test]
fn close_in_a_second_blocking_poll_is_answered() {
    for _ in 0..10 {
        run(async {
            let (go, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let (blocks, mut is_blocking) = mpsc::unbounded_channel();
            let (release, released) = std::sync::mpsc::channel::<()>();
            let released = Arc::new(std::sync::Mutex::new(released));
            let (to_go, to_gone) = (Arc::clone(&go), Arc::clone(&gone));
            let site = Site::start(Way::Tcp, quiet(), move |socket: WebSocket| {
                let (go, gone, blocks) = (Arc::clone(&to_go), Arc::clone(&to_gone), blocks.clone());
                let released = Arc::clone(&released);
                async move {
                    go.notified().await;
                    // Longer than a byte needs to arrive, shorter than the delay of the rescue
                    // thread.
                    block_in_place(|| thread::sleep(Duration::from_micros(1500)));
                    tokio::task::yield_now().await;
                    gone.notify_one();
                    let _ = blocks.send(());
                    block_in_place(|| released.lock().expect("no thread panics").recv_timeout(SOON * 2)).ok();
                    drop(socket);
                }
            })
            .await;
            let mut peer = site.open().await;
            go.notify_one();
            // Arrives during the first poll. It needs no answer.
            peer.send(FIN | PONG, b"").await;
            gone.notified().await;
            is_blocking.recv().await.expect("the handler blocks");
            peer.close(1000).await;
            let code = soon("the answer", peer.next_close()).await;
            assert_eq!(code, 1000);
            drop(release);
        });
    }
}

/// The peer's Close arrives just before a poll that blocks, in which the handler does not receive.
#[test]
fn close_just_before_a_blocking_poll_is_answered() {
    for is_select in [false, true] {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("one thread");
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let task = async move {
                let go = Arc::new(Notify::new());
                let (release, released) = std::sync::mpsc::channel::<()>();
                let (mut peer, socket) = pair(quiet(), 1 << 10).await;
                let wait = Arc::clone(&go);
                tokio::spawn(socket.drive(|mut socket| async move {
                    if is_select {
                        tokio::select! {
                            biased;
                            () = wait.notified() => {}
                            _ = socket.recv() => {}
                        }
                    } else {
                        wait.notified().await;
                    }
                    let _ = block_in_place(|| released.recv_timeout(SOON * 2));
                    drop(socket);
                }));
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                // Both happen before the only thread polls the handler.
                peer.close(1000).now_or_never().expect("there is room");
                go.notify_one();
                let code = soon("the answer", peer.next_close()).await;
                assert_eq!(code, 1000, "receives: {is_select}");
                drop(release);
            };
            runtime.block_on(async { tokio::spawn(task).await.expect("the test does not panic") });
        }));
        runtime.shutdown_background();
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
    }
}

/// The task that answers is spawned by the handler's thread, from which another one must take it.
#[test]
fn close_just_before_a_handler_blocks_its_thread_is_answered() {
    let task = async {
        for _ in 0..10 {
            let go = Arc::new(Notify::new());
            let (release, released) = std::sync::mpsc::channel::<()>();
            let (mut peer, socket) = pair(quiet(), 1 << 10).await;
            let wait = Arc::clone(&go);
            tokio::spawn(socket.drive(|mut socket| async move {
                tokio::select! {
                    biased;
                    () = wait.notified() => {}
                    _ = socket.recv() => {}
                }
                let _ = released.recv_timeout(SOON * 2);
                drop(socket);
            }));
            tokio::time::sleep(Duration::from_millis(5)).await;
            // The handler is woken by this thread, and polled when this task waits.
            peer.close(1000).now_or_never().expect("there is space");
            go.notify_one();
            assert_eq!(soon("the answer", peer.next_close()).await, 1000);
            drop(release);
        }
    };
    run(async { tokio::spawn(task).await.expect("the test does not panic") });
}

/// A message from a thread without a runtime, or with another one, is written while the handler
/// blocks.
#[test]
fn message_of_another_thread_is_sent_while_the_handler_blocks() {
    for has_runtime in [false, true] {
        run(async {
            let (give, mut given) = mpsc::unbounded_channel();
            let (release, released) = std::sync::mpsc::channel::<()>();
            let released = Arc::new(std::sync::Mutex::new(released));
            let site = Site::start(Way::Tcp, quiet(), move |socket: WebSocket| {
                let (give, released) = (give.clone(), Arc::clone(&released));
                async move {
                    let (sender, receiver) = socket.split();
                    tokio::task::yield_now().await;
                    let _ = give.send(sender);
                    block_in_place(|| released.lock().expect("no thread panics").recv_timeout(SOON * 2)).ok();
                    drop(receiver);
                }
            })
            .await;
            let mut peer = site.open().await;
            let sender = given.recv().await.expect("the handler gives it");
            thread::spawn(move || {
                let send = async move {
                    sender.try_send(Message::text("hello")).expect("there is room");
                    sender
                };
                if has_runtime {
                    Builder::new_current_thread().build().expect("a thread").block_on(send)
                } else {
                    send.now_or_never().expect("it does not wait")
                }
            })
            .join()
            .expect("it does not panic");
            let message = soon("the message", peer.next()).await;
            assert_eq!(message.payload, b"hello", "has a runtime: {has_runtime}");
            drop(release);
        });
    }
}

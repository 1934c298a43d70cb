//! The clock jumps, by an hour and by years, as it does on a machine that was suspended.
//!
//! Time is paused, and the IO is in memory. The crate does not use the wall clock, so its jumps
//! have no effect.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use raw_client::{
    frame,
    http2::connect,
    opening::{read_head, request},
    read_frame,
    whole::{CLOSE, PONG, TEXT},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    runtime::{Builder, Handle},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::{JoinHandle, yield_now},
    time::{Instant, advance, sleep},
};
use tower::{Layer, service_fn};
use tower_websocket::{Config, Handshake, Message, Rejection, Shutdown, WebSocket, WebSocketUpgradeLayer};

use crate::{
    form::by_form,
    memory::{Connector, start},
    site::{name, open},
    trial::{Alone, Outcomes},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const JUMPS: [Duration; 5] = [
    Duration::from_secs(60 * 60),
    DAY,
    Duration::from_secs(30 * 24 * 60 * 60),
    Duration::from_secs(365 * 24 * 60 * 60),
    Duration::from_secs(20 * 365 * 24 * 60 * 60),
];

/// The number of tries for each jump, in the long form.
const TRIES: usize = 20;

/// How often a socket's task may be polled around a jump. A task that spins exceeds this.
const POLLS: usize = 100;

/// A server in memory with the default deadlines.
struct Site {
    connector: Connector,
    server: JoinHandle<std::io::Result<()>>,
    shutdown: Shutdown,
    /// How each handler's socket ended.
    ends: UnboundedReceiver<String>,
    polls: Arc<AtomicUsize>,
}

impl Site {
    fn start(config: Config) -> Self {
        let (tell, ends) = unbounded_channel();
        let polls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&polls);
        let handshake = service_fn(async |request: Request<Handshake>| {
            let path = request.uri().path().to_owned();
            if path == "/asked" {
                sleep(400 * 365 * DAY).await;
            }
            Ok::<_, Rejection>(request.into_body().accept(path))
        });
        let layer = WebSocketUpgradeLayer::new(handshake, move |socket, path: String| {
            let (tell, polls) = (tell.clone(), Arc::clone(&counter));
            counted(polls, async move { tell.send(handle(socket, &path).await).unwrap() })
        });
        let page = service_fn(async |_: Request<hyper::body::Incoming>| {
            Ok::<_, std::convert::Infallible>(Response::new(http_body_util::Full::<bytes::Bytes>::from(
                "page",
            )))
        });
        let mut shutdown = None;
        let (connector, server) = start(layer.with_config(config).layer(page), |server| {
            shutdown = Some(server.shutdown().clone());
            server
        });
        Self { connector, server, shutdown: shutdown.unwrap(), ends, polls }
    }
}

async fn counted(polls: Arc<AtomicUsize>, future: impl Future<Output = ()>) {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.fetch_add(1, Ordering::Relaxed);
        future.as_mut().poll(cx)
    })
    .await;
}

async fn handle(mut socket: WebSocket, path: &str) -> String {
    match path {
        "/close" => match socket.close(tower_websocket::CloseCode::NORMAL, "").await {
            Ok(()) => "closed".to_owned(),
            Err(error) => name(&error),
        },
        "/send" => loop {
            if let Err(error) = socket.send(Message::binary(vec![0; 64 << 10])).await {
                return format!("send failed with {}", name(&error));
            }
        },
        _ => {
            let mut told = Vec::new();
            while let Some(received) = socket.recv().await {
                match received {
                    Ok(message) if message.is_text() => socket.send(message).await.unwrap(),
                    Ok(_) => {}
                    Err(error) => told.push(name(&error)),
                }
            }
            told.join(", ")
        }
    }
}

/// Tries each jump in paused time, and checks that no connection or task is left.
fn jump(fault: &str, one: impl AsyncFn(&mut Site, Duration) -> String) {
    let alone = Alone::new();
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let outcomes = runtime.block_on(async {
        let mut outcomes = Outcomes::default();
        for by in JUMPS.repeat(by_form(TRIES / 10, TRIES)) {
            let mut site = Site::start(Config::new());
            outcomes.add(one(&mut site, by).await);
            site.shutdown.idle().await;
            assert!(site.ends.is_empty(), "a second end");
            let polls = site.polls.load(Ordering::Relaxed);
            assert!(polls < POLLS, "{polls} polls");
            site.server.abort();
            assert!(site.server.await.unwrap_err().is_cancelled());
            // A finished task is counted until the scheduler has processed it.
            for _ in 0..100 {
                yield_now().await;
            }
            assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "tasks are left");
        }
        outcomes
    });
    drop(runtime);
    alone.finish();
    outcomes.tell(&format!("clock jumps by 1 hour to 20 years {fault}"));
}

/// Polls every task until it waits, and then advances the clock.
async fn sleep_through(by: Duration) -> Instant {
    for _ in 0..300 {
        yield_now().await;
    }
    advance(by).await;
    Instant::now()
}

/// Returns all bytes until the end of the stream.
async fn rest(io: &mut DuplexStream) -> Vec<u8> {
    let mut rest = Vec::new();
    io.read_to_end(&mut rest).await.unwrap();
    rest
}

/// Only the answer to the ping was missing.
#[test]
fn answering_peer_keeps_the_socket_open_after_a_jump() {
    for is_inside in [false, true] {
        let when = if is_inside { "inside a message" } else { "on an idle socket" };
        jump(&format!("{when}, and the peer answers"), async |site, by| {
            let mut io = site.connector.connect();
            open(&mut io, "/").await;
            let message = frame(TEXT, b"hello");
            let (before, after) = message.split_at(if is_inside { 8 } else { 0 });
            io.write_all(before).await.unwrap();
            let start = sleep_through(by).await;
            let (first, payload) = read_frame(&mut io).await.unwrap();
            assert_eq!(first, 0x89);
            io.write_all(&[after, &frame(PONG, &payload), &frame(CLOSE, &[3, 232])].concat()).await.unwrap();
            assert_eq!(rest(&mut io).await, b"\x81\x05hello\x88\x02\x03\xe8");
            assert_eq!(start.elapsed(), Duration::ZERO);
            assert_eq!(site.ends.recv().await.unwrap(), "");
            "one ping, and the socket continues".to_owned()
        });
    }
}

/// It gets its ping after the jump, and the full time to answer it.
#[test]
fn socket_without_peer_ends_once_after_a_jump() {
    for is_inside in [false, true] {
        let when = if is_inside { "inside a message" } else { "on an idle socket" };
        jump(&format!("{when}, and the peer is gone"), async |site, by| {
            let mut io = site.connector.connect();
            open(&mut io, "/").await;
            if is_inside {
                io.write_all(&frame(TEXT, b"hello")[..8]).await.unwrap();
            }
            let start = sleep_through(by).await;
            let (first, _) = read_frame(&mut io).await.unwrap();
            assert_eq!(first, 0x89);
            assert_eq!(rest(&mut io).await, b"\x88\x13\x03\xf3keepalive timeout");
            assert_eq!(start.elapsed().as_secs(), 20);
            assert_eq!(site.ends.recv().await.unwrap(), "TimedOut");
            "one ping, one error 20 s later, Close 1011".to_owned()
        });
    }
}

#[test]
fn waiting_send_without_peer_fails_after_a_jump() {
    jump("while sending waits", async |site, by| {
        let mut io = site.connector.connect();
        open(&mut io, "/send").await;
        let start = sleep_through(by).await;
        assert_eq!(site.ends.recv().await.unwrap(), "send failed with TimedOut");
        let waited = start.elapsed().as_secs();
        drop(io);
        format!("sending fails {waited} s later")
    });
}

#[test]
fn closing_handshake_ends_after_a_jump() {
    jump("within the closing handshake", async |site, by| {
        let mut io = site.connector.connect();
        open(&mut io, "/close").await;
        assert_eq!(read_frame(&mut io).await.unwrap(), (CLOSE, vec![3, 232]));
        let start = sleep_through(by).await;
        assert_eq!(site.ends.recv().await.unwrap(), "TimedOut");
        assert_eq!((rest(&mut io).await.len(), start.elapsed()), (0, Duration::ZERO));
        "it ends at once".to_owned()
    });
}

#[test]
fn handshake_service_times_out_after_a_jump() {
    jump("while the handshake service is pending", async |site, by| {
        let mut io = site.connector.connect();
        io.write_all(request("/asked", "").as_bytes()).await.unwrap();
        let start = sleep_through(by).await;
        assert!(read_head(&mut io).await.unwrap().starts_with("HTTP/1.1 503 "));
        assert_eq!(start.elapsed(), Duration::ZERO);
        "503 at once".to_owned()
    });
}

#[test]
fn connection_without_request_times_out_after_a_jump() {
    for (what, bytes) in [("before the request", ""), ("inside the request", &request("/", "")[..50])] {
        jump(what, async |site, by| {
            let mut io = site.connector.connect();
            io.write_all(bytes.as_bytes()).await.unwrap();
            let start = sleep_through(by).await;
            assert_eq!((rest(&mut io).await.len(), start.elapsed()), (0, Duration::ZERO));
            "dropped at once".to_owned()
        });
    }
}

#[test]
fn idle_http_connection_ends_after_a_jump() {
    jump("on an idle HTTP/1.1 connection", async |site, by| {
        let mut io = site.connector.connect();
        io.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        assert!(read_head(&mut io).await.unwrap().starts_with("HTTP/1.1 200 "));
        io.read_exact(&mut [0; 4]).await.unwrap();
        let start = sleep_through(by).await;
        assert_eq!((rest(&mut io).await.len(), start.elapsed()), (0, Duration::ZERO));
        "ended at once".to_owned()
    });
    jump("on an idle HTTP/2 connection", async |site, by| {
        let (mut client, connection) = connect(site.connector.connect(), &h2::client::Builder::new()).await;
        client.ready().await;
        let request = Request::get("http://localhost/").version(http::Version::HTTP_2);
        assert_eq!(client.send(request, true).await.response().await.unwrap().0.status(), 200);
        let start = sleep_through(by).await;
        // The connection ends with a GOAWAY without an error.
        connection.await.unwrap().unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
        "GOAWAY, and the end at once".to_owned()
    });
}

/// A timeout beyond the representable time never elapses, and does not overflow.
#[test]
fn unlimited_timeouts_never_elapse() {
    jump("with unlimited timeouts", async |site, by| {
        site.server.abort();
        let forever = Config::new()
            .keepalive_interval(Duration::MAX)
            .keepalive_timeout(Duration::MAX)
            .close_timeout(Duration::MAX)
            .handshake_timeout(Duration::MAX)
            .request_head_timeout(Duration::MAX);
        *site = Site::start(forever);
        let mut io = site.connector.connect();
        open(&mut io, "/").await;
        sleep_through(by).await;
        io.write_all(&frame(TEXT, b"hello")).await.unwrap();
        assert_eq!(read_frame(&mut io).await.unwrap(), (TEXT, b"hello".to_vec()));
        let mut closing = site.connector.connect();
        open(&mut closing, "/close").await;
        assert_eq!(read_frame(&mut closing).await.unwrap(), (CLOSE, vec![3, 232]));
        sleep_through(by).await;
        for io in [&mut io, &mut closing] {
            io.write_all(&frame(CLOSE, &[3, 232])).await.unwrap();
        }
        assert_eq!(rest(&mut io).await, b"\x88\x02\x03\xe8");
        assert_eq!(rest(&mut closing).await, b"");
        let mut ends = [site.ends.recv().await.unwrap(), site.ends.recv().await.unwrap()];
        ends.sort_unstable();
        assert_eq!(ends, ["", "closed"]);
        "the socket continues".to_owned()
    });
}

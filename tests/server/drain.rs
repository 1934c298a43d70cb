//! Graceful shutdown.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::StreamExt;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use raw_client::{
    http2_frames::{self, PREFACE, SETTINGS, WINDOW_UPDATE, get, hello},
    opening::request,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
    time::{Instant, sleep},
};
use tokio_rustls::TlsConnector;
use tower::{Layer, service_fn};
use tower_websocket::{
    Handshake, Rejection, WebSocket, WebSocketUpgradeLayer, serve, serve_tls,
    server::{Listener, Serve, TlsConfig},
};

use crate::{
    client::{Authority, Http2, receive_close, soon, tls, websocket},
    memory::{listener, start},
    service::{LARGE, page, service},
    tls::start_tls,
};

trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for IO {}

/// Every kind of connection at once, on real sockets. No well-behaved client gets a reset.
async fn everyone_ends_cleanly(secure: Option<(TlsConfig, [TlsConnector; 2])>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (signal, signalled) = oneshot::channel::<()>();
    let server = match &secure {
        Some((tls, _)) => serve_tls(listener, tls.clone(), service()),
        None => serve(listener, service()),
    };
    let server = server.with_graceful_shutdown(async { drop(signalled.await) });
    let server = tokio::spawn(server.into_future());
    let connect = async |version: usize| {
        let mut io: Box<dyn Stream> = Box::new(TcpStream::connect(addr).await.unwrap());
        if let Some((_, connectors)) = &secure {
            io = Box::new(tls(&connectors[version - 1], io).await.unwrap());
        }
        io
    };
    let mut silent = connect(1).await;
    let mut idle = connect(1).await;
    idle.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 1000];
    assert!(soon(idle.read(&mut answer)).await.unwrap() > 0);
    let mut busy = connect(1).await;
    busy.write_all(b"GET /?1 HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut socket_1 = websocket(connect(1).await).await;
    let (mut idle_2, end_2) = Http2::with_end(connect(2).await).await;
    assert_eq!(idle_2.get("/").await.unwrap(), StatusCode::OK);
    let (mut http, end) = Http2::with_end(connect(2).await).await;
    let mut sockets_2 = [http.websocket().await, http.websocket().await];
    let busy_2 = tokio::spawn({
        let mut http = http.clone();
        async move { http.get("/?1").await.unwrap() }
    });
    // Both requests are pending. The second is on a connection with sockets.
    assert_eq!(http.get("/").await.unwrap(), StatusCode::OK);

    signal.send(()).unwrap();
    assert_eq!(soon(silent.read(&mut [0])).await.unwrap(), 0);
    assert_eq!(soon(idle.read(&mut [0])).await.unwrap(), 0);
    soon(end_2).await.unwrap().unwrap();
    assert_eq!(receive_close(&mut socket_1).await, 1001);
    for socket in &mut sockets_2 {
        assert_eq!(receive_close(socket).await, 1001);
    }
    let mut answer = Vec::new();
    soon(busy.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(b"page"));
    assert_eq!(soon(busy_2).await.unwrap(), StatusCode::OK);
    drop(sockets_2);
    soon(end).await.unwrap().unwrap();
    soon(server).await.unwrap().unwrap();
}

#[tokio::test]
async fn everyone_ends_cleanly_over_tcp() {
    everyone_ends_cleanly(None).await;
}

#[tokio::test]
async fn everyone_ends_cleanly_over_tls() {
    let authority = Authority::new();
    let connectors = [authority.client(&["http/1.1"], false), authority.client(&["h2"], false)];
    everyone_ends_cleanly(Some((authority.tls(), connectors))).await;
}

#[tokio::test]
async fn another_server_takes_the_port_while_the_first_drains() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (signal, signalled) = oneshot::channel::<()>();
    let server = serve(listener, service()).with_graceful_shutdown(async { drop(signalled.await) });
    let server = tokio::spawn(server.into_future());
    let mut old = websocket(TcpStream::connect(addr).await.unwrap()).await;
    signal.send(()).unwrap();
    let Some(Ok(close)) = soon(old.next()).await else { panic!("no Close") };
    assert!(close.is_close());
    // The first one's client only now allows it to end.
    let listener = TcpListener::bind(addr).await.unwrap();
    assert!(!server.is_finished());
    tokio::spawn(serve(listener, service()).into_future());
    let mut new = websocket(TcpStream::connect(addr).await.unwrap()).await;
    crate::client::echo(&mut new, "from the new server").await;
    while let Some(Ok(_)) = soon(old.next()).await {}
    assert_eq!(soon(old.get_mut().read(&mut [0])).await.unwrap(), 0);
    soon(server).await.unwrap().unwrap();
    crate::client::echo(&mut new, "still").await;
}

/// A listener whose connections are not known to be readable yet.
struct Registering(TcpListener);

impl Listener for Registering {
    type Io = TcpStream;
    type Addr = SocketAddr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let (io, addr) = ready!(TcpListener::poll_accept(&self.0, cx))?;
        Poll::Ready(Ok((TcpStream::from_std(io.into_std()?)?, addr)))
    }
}

/// The system has already accepted them, and would reset them when the listener is closed.
#[tokio::test]
async fn clients_in_the_accept_queue_are_not_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    for _ in 0..100 {
        let mut io = TcpStream::connect(addr).await.unwrap();
        io.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        waiting.push(io);
    }
    let server = serve(Registering(listener), service()).with_graceful_shutdown(std::future::ready(()));
    let start = Instant::now();
    soon(server.into_future()).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "the connections were not told to end");
    for mut io in waiting {
        let mut answer = Vec::new();
        soon(io.read_to_end(&mut answer)).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

/// hyper would announce the end of an HTTP/1.1 connection in the 101, which some clients do not
/// accept as an upgrade, such as this one.
#[tokio::test(start_paused = true)]
async fn pending_handshake_opens_a_socket_and_closes_it_with_1001() {
    let handshake = async |request: Request<Handshake>| {
        sleep(Duration::from_secs(3)).await;
        if request.uri().path() == "/refused" {
            return Err(Rejection::from(StatusCode::FORBIDDEN));
        }
        Ok(request.into_body().accept(()))
    };
    let handler = async |mut socket: WebSocket, ()| while let Some(Ok(_)) = socket.recv().await {};
    let layer = WebSocketUpgradeLayer::new(service_fn(handshake), handler);
    let (signal, signalled) = oneshot::channel::<()>();
    let (connector, server) = start(layer.layer(service_fn(page)), |server| {
        server.with_graceful_shutdown(async { drop(signalled.await) })
    });
    let mut http = Http2::new(connector.connect()).await;
    let over_1 = tokio::spawn(websocket(connector.connect()));
    let over_2 = tokio::spawn(async move { http.websocket().await });
    let mut refused = connector.connect();
    refused.write_all(request("/refused", "").as_bytes()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    signal.send(()).unwrap();
    let begin = Instant::now();
    assert_eq!(receive_close(&mut soon(over_1).await.unwrap()).await, 1001);
    assert_eq!(receive_close(&mut soon(over_2).await.unwrap()).await, 1001);
    // A connection without an upgrade ends after the response.
    let mut answer = Vec::new();
    soon(refused.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 403 "), "{answer:?}");
    soon(server).await.unwrap().unwrap();
    assert_eq!(begin.elapsed().as_secs(), 2);
}

/// A shutdown waits for the answer to an upgrade request in progress. hyper begins the next
/// pipelined request at once, and the shutdown also waited for that one, and so on.
#[tokio::test]
async fn pipelined_upgrade_requests_end_after_the_second_answer() {
    let (arrived, released) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    // It opens no socket, and answers one request for each permit.
    let slow = service_fn({
        let (arrived, released) = (Arc::clone(&arrived), Arc::clone(&released));
        move |_: Request<Incoming>| {
            arrived.add_permits(1);
            let released = Arc::clone(&released);
            async move {
                released.acquire().await.unwrap().forget();
                Ok::<_, Infallible>(Response::new("page".to_owned()))
            }
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (signal, signalled) = oneshot::channel::<()>();
    let server = serve(listener, slow).with_graceful_shutdown(async { drop(signalled.await) });
    let server = tokio::spawn(server.into_future());
    let mut io = TcpStream::connect(addr).await.unwrap();
    io.write_all(request("/", "").repeat(5).as_bytes()).await.unwrap();
    soon(arrived.acquire()).await.unwrap().forget();
    let mut silent = TcpStream::connect(addr).await.unwrap();

    signal.send(()).unwrap();
    // Then the shutdown has reached all connections.
    assert_eq!(soon(silent.read(&mut [0])).await.unwrap(), 0);
    let mut answers = Vec::new();
    loop {
        released.add_permits(1);
        let mut answer = Vec::new();
        while !answer.ends_with(b"page") && soon(io.read_buf(&mut answer)).await.unwrap() > 0 {}
        if answer.is_empty() {
            break;
        }
        answers.push(String::from_utf8(answer).unwrap());
    }
    let is_last: Vec<_> = answers.iter().map(|answer| answer.contains("connection: close")).collect();
    assert_eq!(is_last, [false, true], "{answers:?}");
    soon(server).await.unwrap().unwrap();
}

/// Over TCP, with sockets of both kinds. The sockets over HTTP/2 share a connection that has
/// received GOAWAY.
#[tokio::test]
async fn drain_spreads_its_closes() {
    const SPREAD: Duration = Duration::from_millis(400);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (signal, signalled) = oneshot::channel::<()>();
    let server = serve(listener, service())
        .with_graceful_shutdown(async { drop(signalled.await) })
        .drain_spread(SPREAD);
    let server = tokio::spawn(server.into_future());
    let connect = async || TcpStream::connect(addr).await.unwrap();
    let mut sockets_1 = [websocket(connect().await).await, websocket(connect().await).await];
    let (mut http, end) = Http2::with_end(connect().await).await;
    let mut sockets_2 = [http.websocket().await, http.websocket().await];

    let begin = Instant::now();
    signal.send(()).unwrap();
    let [a, b] = sockets_1.each_mut().map(async |socket| (receive_close(socket).await, begin.elapsed()));
    let [c, d] = sockets_2.each_mut().map(async |socket| (receive_close(socket).await, begin.elapsed()));
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    let mut closes = [a, b, c, d];
    closes.sort_by_key(|(_, after)| *after);
    for (turn, (code, after)) in (0..).zip(closes) {
        assert_eq!(code, 1001);
        assert!(after >= SPREAD * turn / 4, "{closes:?}");
    }
    drop(sockets_2);
    soon(end).await.unwrap().unwrap();
    soon(server).await.unwrap().unwrap();
}

/// Sockets whose turn never came were dropped without a Close.
#[test]
fn drain_spread_must_be_shorter_than_drain_timeout() {
    let run = |spread, limit| {
        let (_connector, pipes) = listener();
        let server = serve(pipes, service())
            .drain_spread(Duration::from_secs(spread))
            .drain_timeout(Duration::from_secs(limit));
        catch_unwind(AssertUnwindSafe(|| drop(server.into_future())))
    };
    for (spread, limit) in [(0, 0), (0, 30), (29, 30)] {
        run(spread, limit).unwrap();
    }
    for (spread, limit) in [(30, 30), (60, 30), (2, 1)] {
        let panic = run(spread, limit).unwrap_err();
        let text = format!("drain_spread ({spread}s) must be shorter than drain_timeout ({limit}s)");
        assert_eq!(panic.downcast_ref::<String>(), Some(&text));
    }
}

/// Connections that do not end by themselves are dropped at the deadline.
#[tokio::test(start_paused = true)]
async fn drain_has_a_deadline() {
    let authority = Authority::new();
    for (is_tls, bytes) in [
        (false, b"GET /?1000 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        (false, [hello(), get(1, "/?1000")].concat()),
        (true, b"GET /?1000 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
    ] {
        let (signal, signalled) = oneshot::channel::<()>();
        let set = |server: Serve<_, _>| {
            server
                .with_graceful_shutdown(async { drop(signalled.await) })
                .drain_timeout(Duration::from_secs(20))
        };
        let (connector, server) = match is_tls {
            true => start_tls(authority.tls(), service(), set),
            false => start(service(), set),
        };
        let mut io: Box<dyn Stream> = if is_tls {
            Box::new(tls(&authority.client(&[], false), connector.connect()).await.unwrap())
        } else {
            Box::new(connector.connect())
        };
        io.write_all(&bytes).await.unwrap();
        io.flush().await.unwrap();
        sleep(Duration::from_secs(1)).await;
        let begin = Instant::now();
        signal.send(()).unwrap();
        soon(server).await.unwrap().unwrap();
        assert_eq!(begin.elapsed().as_secs(), 20);
        let _ = soon(io.read_to_end(&mut Vec::new())).await;
        assert_eq!(begin.elapsed().as_secs(), 20);
    }
}

/// The drain does not wait for a client that has not sent a request.
#[tokio::test(start_paused = true)]
async fn half_a_preface_and_half_a_tls_handshake_end_at_once() {
    let authority = Authority::new();
    for (is_tls, bytes) in [(false, &hello()[..10]), (true, b"\x16\x03\x01"), (false, b"")] {
        let (signal, signalled) = oneshot::channel::<()>();
        let set = |server: Serve<_, _>| server.with_graceful_shutdown(async { drop(signalled.await) });
        let (connector, server) = match is_tls {
            true => start_tls(authority.tls(), service(), set),
            false => start(service(), set),
        };
        let mut io = connector.connect();
        io.write_all(bytes).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        let begin = Instant::now();
        signal.send(()).unwrap();
        soon(server).await.unwrap().unwrap();
        assert!(begin.elapsed() < Duration::from_millis(10));
        assert_eq!(io.read(&mut [0]).await.unwrap(), 0);
    }
}

/// The deadline of its first request, which is later, does not keep an idle client that ignores
/// GOAWAY.
#[tokio::test(start_paused = true)]
async fn http_2_connection_without_a_request_ends_soon() {
    let minute = Duration::from_secs(60);
    let (signal, signalled) = oneshot::channel::<()>();
    let (connector, server) = start(service(), |server| {
        let server = server.first_request_timeout(minute).header_read_timeout(minute).drain_timeout(minute);
        server.with_graceful_shutdown(async { drop(signalled.await) })
    });
    let mut io = connector.connect();
    io.write_all(&hello()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let begin = Instant::now();
    signal.send(()).unwrap();
    soon(io.read_to_end(&mut Vec::new())).await.unwrap();
    soon(server).await.unwrap().unwrap();
    assert_eq!(begin.elapsed().as_secs(), 5);
}

const LARGEST_WINDOW: u32 = (1 << 31) - 1;

/// Returns the opening of a client with these windows.
fn hello_with_window(window: u32) -> Vec<u8> {
    let settings = http2_frames::frame(SETTINGS, 0, 0, &[&[0, 4][..], &window.to_be_bytes()].concat());
    [PREFACE, &settings, &update(0, window - 65_535)].concat()
}

fn update(stream: u32, bytes: u32) -> Vec<u8> {
    if bytes == 0 { vec![] } else { http2_frames::frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes()) }
}

/// Reads the data of stream 1 to its end, with a pause after each piece. Returns how many bytes it
/// has.
async fn read_slowly(io: &mut (impl Stream + ?Sized), window: u32, pause: Duration) -> usize {
    let (mut taken, mut unread) = (0, 0);
    loop {
        let frame = http2_frames::read(io).await.expect("the response is incomplete");
        if frame.kind != http2_frames::DATA {
            continue;
        }
        taken += frame.payload.len();
        unread += u32::try_from(frame.payload.len()).unwrap();
        if unread >= 60_000 {
            sleep(pause).await;
            if window < LARGEST_WINDOW {
                io.write_all(&[update(0, unread), update(1, unread)].concat()).await.unwrap();
            }
            unread = 0;
        }
        if frame.flags & http2_frames::END_STREAM != 0 {
            return taken;
        }
    }
}

/// The stream has ended on the server as soon as `h2` has buffered the whole response. A small
/// window holds the data back in `h2`, a large one in the pipe. The pauses are longer than a
/// connection without streams may take to end.
#[tokio::test(start_paused = true)]
async fn http_2_response_may_be_read_slowly() {
    for window in [65_535, LARGEST_WINDOW] {
        let (signal, signalled) = oneshot::channel::<()>();
        let (connector, server) = start(service(), |server| {
            let server = server.drain_timeout(Duration::from_secs(1000));
            server.with_graceful_shutdown(async { drop(signalled.await) })
        });
        let mut io = connector.connect();
        io.write_all(&[hello_with_window(window), get(1, "/large")].concat()).await.unwrap();
        http2_frames::read_until(&mut io, |frame| frame.kind == http2_frames::HEADERS).await;
        signal.send(()).unwrap();
        assert_eq!(read_slowly(&mut io, window, Duration::from_secs(30)).await, LARGE);
        soon(server).await.unwrap().unwrap();
    }
}

/// The same over TCP, with one pause.
#[tokio::test]
async fn http_2_response_may_be_read_slowly_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (signal, signalled) = oneshot::channel::<()>();
    let server = serve(listener, service()).with_graceful_shutdown(async { drop(signalled.await) });
    let server = tokio::spawn(server.into_future());
    let mut io = TcpStream::connect(addr).await.unwrap();
    io.write_all(&[hello(), get(1, "/large")].concat()).await.unwrap();
    http2_frames::read_until(&mut io, |frame| frame.kind == http2_frames::HEADERS).await;
    signal.send(()).unwrap();
    sleep(Duration::from_secs(6)).await;
    assert_eq!(read_slowly(&mut io, 65_535, Duration::ZERO).await, LARGE);
    soon(server).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn http_2_client_that_stops_reading_a_response_ends_after_the_idle_timeout() {
    for window in [65_535, LARGEST_WINDOW] {
        let (signal, signalled) = oneshot::channel::<()>();
        let (connector, server) = start(service(), |server| {
            let server = server.http2_idle_timeout(Duration::from_secs(20));
            server
                .drain_timeout(Duration::from_secs(1000))
                .with_graceful_shutdown(async { drop(signalled.await) })
        });
        let mut io = connector.connect();
        io.write_all(&[hello_with_window(window), get(1, "/large")].concat()).await.unwrap();
        http2_frames::read_until(&mut io, |frame| frame.kind == http2_frames::HEADERS).await;
        let begin = Instant::now();
        signal.send(()).unwrap();
        soon(server).await.unwrap().unwrap();
        assert_eq!(begin.elapsed().as_secs(), 20);
    }
}

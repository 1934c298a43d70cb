//! Peers that read slowly but without pauses: no accepted message is lost, and no peer is
//! disconnected.
//!
//! Each test has two sizes. The large one uses the defaults of [`Config`] and of the kernel,
//! megabytes of data, and minutes. The small one divides sizes and times by 10 (endings) or by 20
//! (keepalive) and keeps the rate. It also sets the kernel's send buffer to a tenth or a twentieth
//! of the 4 MB that Linux lets it grow to. A trial of it is repeated if the system suspends it for
//! too long.

use std::{
    future::Future,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use raw_client::whole;
use tokio::sync::{mpsc, oneshot};
use tower_websocket::{CloseCode, Config, Error, Message, WebSocket};

use crate::{
    nginx::Nginx,
    peer::{Peer, Transcript},
    site::{Buffers, Site, Way},
    trial::{each, each_timed, noise, soon, tell, within},
};

const DEFLATE: &str = "permessage-deflate";

/// The messages, and the rate at which they are read.
#[derive(Clone)]
struct Scale {
    messages: usize,
    size: usize,
    /// Bytes per second.
    rate: usize,
    config: Config,
    buffers: Buffers,
    /// When the client sends its own ping.
    ping: Duration,
    /// Longer than the whole test takes.
    limit: Duration,
}

impl Scale {
    /// 6 MB at 250 KB/s.
    fn real_ending() -> Self {
        Self {
            messages: 6,
            size: 1_000_000,
            rate: 250_000,
            config: Config::new(),
            buffers: Buffers::default(),
            ping: Duration::from_secs(10),
            limit: Duration::from_secs(120),
        }
    }

    /// A tenth of it.
    fn ending() -> Self {
        let config = Config::new()
            .max_write_buffer_size(100_000)
            .close_timeout(Duration::from_millis(500))
            .keepalive_interval(Duration::from_secs(2))
            .keepalive_timeout(Duration::from_secs(2));
        Self {
            messages: 6,
            size: 100_000,
            rate: 250_000,
            config,
            // The kernel doubles the given size.
            buffers: Buffers { server: Some(200_000), client: Some(16_000) },
            ping: Duration::from_secs(1),
            limit: Duration::from_secs(30),
        }
    }

    /// 12 MB at 150 KB/s.
    fn real_sending() -> Self {
        Self { messages: 12, rate: 150_000, limit: Duration::from_secs(200), ..Self::real_ending() }
    }

    /// 12 MB at 100 KB/s, in messages of 60 KB.
    fn real_small_sending() -> Self {
        Self {
            messages: 200,
            size: 60_000,
            rate: 100_000,
            limit: Duration::from_secs(300),
            ..Self::real_ending()
        }
    }

    /// A twentieth of 12 MB at 150 KB/s.
    fn sending() -> Self {
        let config = Config::new()
            .max_write_buffer_size(50_000)
            .close_timeout(Duration::from_millis(250))
            .keepalive_interval(Duration::from_secs(1))
            .keepalive_timeout(Duration::from_secs(1));
        Self {
            messages: 12,
            size: 50_000,
            rate: 150_000,
            config,
            buffers: Buffers { server: Some(100_000), client: Some(16_000) },
            ..Self::ending()
        }
    }

    /// A twentieth of 12 MB at 100 KB/s, in messages of 60 KB.
    fn small_sending() -> Self {
        Self { messages: 200, size: 3_000, rate: 100_000, ..Self::sending() }
    }

    fn payloads(&self) -> Arc<Vec<Vec<u8>>> {
        Arc::new((0..self.messages).map(|n| noise(n as u64, self.size)).collect())
    }

    fn compressed(mut self) -> Self {
        self.config = self.config.deflate(tower_websocket::Deflate::new().threshold(0).level(1));
        self
    }
}

/// How the server ends the connection after its messages.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// The handler returns.
    Returns,
    /// The handler calls `close` and reports the result.
    Closes,
    /// The handler splits the socket, drops the sender, and reads to the end.
    DropsSender,
    /// The handler continues to read, and the server is shut down.
    Shutdown,
}

/// Sends all messages at once, and ends the connection.
async fn ends(
    way: Way,
    scale: Scale,
    ending: Ending,
    pings: bool,
    offer: Option<&str>,
) -> Result<String, String> {
    let payloads = scale.payloads();
    let (tell_end, mut told) = mpsc::unbounded_channel();
    let (tell_sent, mut all_sent) = mpsc::unbounded_channel();
    let sent = Arc::clone(&payloads);
    let mut scale = scale;
    if matches!(ending, Ending::Shutdown) {
        // Messages sent after the shutdown has begun would be rejected.
        scale.config = scale.config.max_write_buffer_size(scale.messages * scale.size);
    }
    let site = Site::start_with(way, scale.buffers, scale.config.clone(), move |socket: WebSocket| {
        let (payloads, tell_end, tell_sent) = (Arc::clone(&sent), tell_end.clone(), tell_sent.clone());
        async move {
            let on_sent = || tell_sent.send(()).expect("the trial is waiting");
            let outcome = send_and_end(socket, &payloads, ending, on_sent).await;
            let _ = tell_end.send(outcome);
        }
    })
    .await;
    let mut peer = site.open_offering(offer).await.map_err(|error| error.to_string())?;
    if offer.is_some() && way != Way::Http2 && !peer.head.to_lowercase().contains("permessage-deflate") {
        return Err(format!("compression is not agreed on: {}", peer.head));
    }
    peer.set_rate(scale.rate);
    let draining = match ending {
        Ending::Shutdown => {
            let shutdown = site.shutdown.clone();
            Some(tokio::spawn(async move {
                // Nearly all of it is unread then.
                soon("everything is sent", all_sent.recv()).await;
                shutdown.drain(Duration::from_secs(100)).await
            }))
        }
        _ => None,
    };
    let code = if matches!(ending, Ending::Shutdown) { 1001 } else { 1000 };
    let seen = within(scale.limit, "all of it", peer.all(pings.then_some(scale.ping))).await;
    seen.check(&payloads, code)?;
    let ended = within(scale.limit, "the handler's end", told.recv()).await;
    match ended {
        Some(Ok(())) => {}
        other => return Err(format!("the peer received everything, but the handler got {other:?}")),
    }
    if let Some(draining) = draining {
        let dropped = within(scale.limit, "drain", draining).await.expect("drain does not panic");
        if dropped > 0 {
            return Err(format!("drain counts {dropped}"));
        }
    }
    within(scale.limit, "the place", site.shutdown.idle()).await;
    Ok(seen.line())
}

async fn send_and_end(
    socket: WebSocket,
    payloads: &[Vec<u8>],
    ending: Ending,
    on_sent: impl FnOnce(),
) -> Result<(), String> {
    let told = |error: Error| error.to_string();
    if matches!(ending, Ending::DropsSender) {
        let (sender, mut receiver) = socket.split();
        for payload in payloads {
            sender.send(Message::binary(payload.clone())).await.map_err(told)?;
        }
        drop(sender);
        while let Some(message) = receiver.recv().await {
            message.map_err(told)?;
        }
        return Ok(());
    }
    let mut socket = socket;
    for payload in payloads {
        socket.send(Message::binary(payload.clone())).await.map_err(told)?;
    }
    on_sent();
    match ending {
        Ending::Closes => socket.close(CloseCode::NORMAL, "").await.map_err(told),
        Ending::Shutdown => {
            while let Some(message) = socket.recv().await {
                message.map_err(told)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

#[tokio::test]
async fn slow_client_gets_everything_when_the_handler_returns() {
    each_timed("returns", &Way::ALL, |way| ends(way, Scale::ending(), Ending::Returns, false, None)).await;
}

#[tokio::test]
async fn pinging_slow_client_gets_everything_when_the_handler_returns() {
    each_timed("returns, pinged", &Way::ALL, |way| ends(way, Scale::ending(), Ending::Returns, true, None))
        .await;
}

#[tokio::test]
async fn close_waits_until_a_slow_client_has_everything() {
    each_timed("closes", &Way::ALL, |way| ends(way, Scale::ending(), Ending::Closes, false, None)).await;
    each_timed("closes, pinged", &Way::ALL, |way| ends(way, Scale::ending(), Ending::Closes, true, None))
        .await;
}

#[tokio::test]
async fn slow_client_gets_everything_when_the_last_sender_is_dropped() {
    each_timed("drops its sender", &Way::ALL, |way| {
        ends(way, Scale::ending(), Ending::DropsSender, true, None)
    })
    .await;
}

#[tokio::test]
async fn slow_client_gets_everything_and_1001_at_a_shutdown() {
    // Without a driver, each message is written before the next is sent, so some are not sent when
    // the shutdown begins.
    let driven = [Way::Tcp, Way::Tls, Way::Unix, Way::Http2, Way::Memory];
    each_timed("shutdown", &driven, |way| ends(way, Scale::ending(), Ending::Shutdown, false, None)).await;
    each_timed("shutdown, pinged", &driven, |way| ends(way, Scale::ending(), Ending::Shutdown, true, None))
        .await;
}

#[tokio::test]
async fn slow_client_gets_everything_compressed() {
    let scale = || Scale::ending().compressed();
    each_timed("returns, compressed", &Way::ALL, |way| {
        ends(way, scale(), Ending::Returns, true, Some(DEFLATE))
    })
    .await;
}

/// Sends one message after the other, and closes. The client reads slowly and answers pings at
/// once.
async fn sends(site: Site, mut peer: Peer, scale: Scale, mut told: Told) -> Result<String, String> {
    let payloads = scale.payloads();
    peer.set_rate(scale.rate);
    let seen = within(scale.limit, "all of it", peer.all(None)).await;
    seen.check(&payloads, 1000)?;
    match within(scale.limit, "the handler's end", told.recv()).await {
        Some(Ok(())) => {}
        other => return Err(format!("the peer received everything, but the handler got {other:?}")),
    }
    within(scale.limit, "the place", site.shutdown.idle()).await;
    Ok(seen.line())
}

type Told = mpsc::UnboundedReceiver<Result<(), String>>;

async fn sending_site(way: Way, scale: &Scale) -> (Site, Told) {
    let payloads = scale.payloads();
    let (tell_end, told) = mpsc::unbounded_channel();
    let site = Site::start_with(way, scale.buffers, scale.config.clone(), move |socket: WebSocket| {
        let (payloads, tell_end) = (Arc::clone(&payloads), tell_end.clone());
        async move {
            let outcome = send_and_end(socket, &payloads, Ending::Closes, || {}).await;
            let _ = tell_end.send(outcome);
        }
    })
    .await;
    (site, told)
}

async fn sends_over(way: Way, scale: Scale) -> Result<String, String> {
    let (site, told) = sending_site(way, &scale).await;
    let peer = site.open().await;
    sends(site, peer, scale, told).await
}

async fn sends_behind_nginx(scale: Scale) -> Result<String, String> {
    let (site, told) = sending_site(Way::Tcp, &scale).await;
    let nginx = Nginx::start(site.addr(), scale.buffers.server).await;
    let Some(nginx) = nginx else { return Ok("skipped, as nginx is not installed".to_owned()) };
    let io = crate::site::tcp(nginx.addr, scale.buffers).await.map_err(|error| error.to_string())?;
    let peer = Peer::open(io, None).await.map_err(|error| error.to_string())?;
    sends(site, peer, scale, told).await
}

#[tokio::test]
async fn slow_client_stays_connected_while_it_reads() {
    each_timed("sends", &Way::ALL, |way| sends_over(way, Scale::sending())).await;
}

#[tokio::test]
async fn slow_client_stays_connected_while_it_reads_small_messages() {
    each_timed("sends small messages", &Way::ALL, |way| sends_over(way, Scale::small_sending())).await;
}

#[tokio::test]
async fn slow_client_behind_nginx_stays_connected() {
    // nginx's receive buffer cannot be made smaller: on loopback it holds 200 KB and more.
    let patient = |mut scale: Scale| {
        let time = Duration::from_secs(5);
        scale.config = scale.config.keepalive_interval(time).keepalive_timeout(time);
        scale
    };
    each_timed("sends behind nginx", &[Way::Tcp], |_| sends_behind_nginx(patient(Scale::sending()))).await;
}

/// The client reads continuously and never sends a byte.
#[tokio::test]
async fn reading_counts_as_activity_without_pongs() {
    each_timed("never answers", &Way::ALL, |way| async move {
        let scale = Scale::sending();
        let (site, _told) = sending_site(way, &scale).await;
        let mut peer = site.open().await;
        peer.set_rate(scale.rate);
        let mut bytes = 0;
        let start = Instant::now();
        while bytes < scale.messages * scale.size {
            match peer.frame().await {
                Ok(Some(frame)) if frame.opcode() < 8 => bytes += frame.payload.len(),
                Ok(Some(frame)) if frame.opcode() == raw_client::opcode::PING => {}
                other => return Err(format!("after {bytes} bytes and {:.1?}: {other:?}", start.elapsed())),
            }
        }
        Ok(format!("{bytes} bytes in {:.1?}", start.elapsed()))
    })
    .await;
}

/// The client reads for a while, then stops. The timeout counts from there.
#[tokio::test]
async fn stalled_client_is_disconnected_at_the_documented_time() {
    let ways = [Way::Tcp, Way::Tls, Way::Unix, Way::Http2, Way::Memory];
    each_timed("stops reading", &ways, |way| async move {
        let config = Config::new()
            .max_write_buffer_size(50_000)
            .keepalive_interval(Duration::from_secs(2))
            .keepalive_timeout(Duration::from_secs(2));
        let (failed, told) = oneshot::channel();
        let failed = Arc::new(std::sync::Mutex::new(Some(failed)));
        let buffers = Buffers { server: Some(20_000), client: Some(16_000) };
        let site = Site::start_with(way, buffers, config, move |mut socket: WebSocket| {
            let failed = Arc::clone(&failed);
            async move {
                let error = loop {
                    if let Err(error) = socket.send(Message::binary(vec![1; 10_000])).await {
                        break error;
                    }
                };
                let failed = failed.lock().unwrap().take().expect("there is one socket");
                let _ = failed.send((Instant::now(), error));
            }
        })
        .await;
        let mut peer = site.open().await;
        peer.set_rate(150_000);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            peer.frame().await.map_err(|error| format!("after {:.1?}: {error}", start.elapsed()))?;
        }
        let stopped = Instant::now();
        let (at, error) =
            within(Duration::from_secs(20), "giving up", told).await.expect("the handler reports");
        let after = at.duration_since(stopped);
        let is_timeout = matches!(&error, Error::Io(error) if error.kind() == io::ErrorKind::TimedOut);
        // Data in the buffers on both sides moves for a little while.
        let is_right = (2500..=8000).contains(&after.as_millis()) && is_timeout;
        let line = format!("given up {after:.2?} after the last byte was taken: {error}");
        if is_right { Ok(line) } else { Err(line) }
    })
    .await;
}

/// If the connection is cut, `close`, `close_info` and the result of `drain` report it.
#[tokio::test]
async fn cut_connection_reports_it() {
    each_timed("takes nothing", &Way::ALL, |way| async move {
        let scale = Scale::ending();
        let (tell_end, mut told) = mpsc::unbounded_channel();
        let site =
            Site::start_with(way, scale.buffers, scale.config.clone(), move |mut socket: WebSocket| {
                let tell_end = tell_end.clone();
                async move {
                    // More than all buffers hold.
                    let sent = socket.send(Message::binary(vec![1; 4_000_000]));
                    let _ = tokio::time::timeout(Duration::from_millis(200), sent).await;
                    let start = Instant::now();
                    let closed = socket.close(CloseCode::NORMAL, "").await;
                    let _ = tell_end.send((closed, start.elapsed(), socket.close_info()));
                }
            })
            .await;
        let _peer = site.open().await;
        let shutdown = site.shutdown.clone();
        let drained = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(400)).await;
            shutdown.drain(Duration::from_secs(20)).await
        });
        let (closed, after, ended) =
            within(Duration::from_secs(15), "the end", told.recv()).await.expect("the handler reports");
        let drained = within(Duration::from_secs(15), "drain", drained).await.expect("drain does not panic");
        let error = ended.as_ref().and_then(|ended| ended.error()).map(str::to_owned);
        let line = format!("close: {closed:?} after {after:.2?}, ended: {error:?}, drain: {drained}");
        let is_told = matches!(&closed, Err(Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut);
        let is_in_time = (450..=6000).contains(&after.as_millis());
        if is_told && is_in_time && error.is_some() && drained == 1 { Ok(line) } else { Err(line) }
    })
    .await;
}

/// The connection ends with unread messages of the client. Closing the descriptor now would reset
/// the connection.
#[tokio::test]
async fn unread_input_does_not_destroy_unread_output() {
    each_timed("sends meanwhile", &Way::ALL, |way| async move {
        let scale = Scale::ending();
        let payloads = scale.payloads();
        let sent = Arc::clone(&payloads);
        let site = Site::start_with(way, scale.buffers, scale.config.clone(), move |socket: WebSocket| {
            let payloads = Arc::clone(&sent);
            async move { drop(send_and_end(socket, &payloads, Ending::Returns, || {}).await) }
        })
        .await;
        let mut peer = site.open().await;
        for n in 0..20 {
            peer.send(whole::BINARY, noise(n, 1000)).await;
        }
        peer.set_rate(scale.rate);
        let seen: Transcript = within(scale.limit, "all of it", peer.all(None)).await;
        seen.check(&payloads, 1000)?;
        Ok(seen.line())
    })
    .await;
}

async fn real(what: &str, trial: impl Future<Output = Result<String, String>>) {
    match trial.await {
        Ok(line) => tell(&format!("| {what} | ok | {line} |")),
        Err(line) => panic!("{what}: {line}"),
    }
}

#[ignore = "takes minutes"]
#[tokio::test(flavor = "multi_thread")]
async fn six_megabytes_at_250_kb_a_second_arrive_when_the_handler_returns() {
    let (plain, pinged, closes, shutdown) = tokio::join!(
        ends(Way::Tcp, Scale::real_ending(), Ending::Returns, false, None),
        ends(Way::Tcp, Scale::real_ending(), Ending::Returns, true, None),
        ends(Way::Tcp, Scale::real_ending(), Ending::Closes, true, None),
        ends(Way::Tcp, Scale::real_ending(), Ending::Shutdown, true, None),
    );
    let rows =
        [("returns", plain), ("returns, pinged", pinged), ("closes, pinged", closes), ("shutdown", shutdown)];
    for (what, row) in &rows {
        tell(&format!("| 6 MB at 250 KB/s, {what} | {row:?} |"));
    }
    assert!(rows.iter().all(|(_, row)| row.is_ok()), "{rows:?}");
}

#[ignore = "takes minutes"]
#[tokio::test(flavor = "multi_thread")]
async fn six_megabytes_at_250_kb_a_second_arrive_over_every_transport() {
    each("6 MB at 250 KB/s, pinged", &Way::ALL, |way| {
        ends(way, Scale::real_ending(), Ending::Returns, true, None)
    })
    .await;
}

#[ignore = "takes minutes"]
#[tokio::test(flavor = "multi_thread")]
async fn twelve_megabytes_at_150_kb_a_second_arrive_over_every_transport() {
    each("12 MB at 150 KB/s", &Way::ALL, |way| sends_over(way, Scale::real_sending())).await;
}

#[ignore = "takes minutes"]
#[tokio::test(flavor = "multi_thread")]
async fn twelve_megabytes_at_150_kb_a_second_arrive_behind_nginx() {
    real("12 MB at 150 KB/s behind nginx", sends_behind_nginx(Scale::real_sending())).await;
}

#[ignore = "takes minutes"]
#[tokio::test(flavor = "multi_thread")]
async fn small_messages_at_100_kb_a_second_arrive_over_every_transport() {
    each("60 KB each at 100 KB/s", &Way::ALL, |way| sends_over(way, Scale::real_small_sending())).await;
}

#[ignore = "takes minutes"]
#[tokio::test(flavor = "multi_thread")]
async fn small_messages_at_100_kb_a_second_arrive_behind_nginx() {
    real("60 KB each at 100 KB/s behind nginx", sends_behind_nginx(Scale::real_small_sending())).await;
}

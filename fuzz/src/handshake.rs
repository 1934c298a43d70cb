//! Fuzzes opening handshakes as raw bytes, for each way to open a socket: [`Acceptor::accept`], the
//! layer below hyper's HTTP/1.1 server, and this crate's server.
//!
//! An input is a byte of flags, a byte for the end, two lists of pieces, each preceded by its
//! length, and the bytes.

use std::{
    io,
    pin::pin,
    sync::mpsc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::AsyncReadExt,
    time::{sleep, timeout},
};
use tower_websocket::{
    AcceptAll, Acceptor, AllowOrigin, Config, Shutdown, WebSocket, WebSocketUpgradeLayer,
    accept::{AcceptError, AcceptErrorKind},
    io::Rewind,
    serve,
    server::Listener,
    upgrade::{UpgradeRequired, WebSocketUpgrade},
};

use crate::{
    digest,
    head::{self, Head, Response},
    input::{Flags, Input},
    lists::members,
    opening::Verdict,
    reader::{Rules, read},
    runtime,
    scripted::{Ending, Pieces, Scripted, Shared},
    socket::{Program, Scene, Way, check_end, converse},
};

/// After what time hyper's connection is polled again.
const REPOLL_INTERVAL: Duration = Duration::from_secs(3600);

const RULES: Rules = Rules { max_message: 1 << 20, max_frame: 1 << 20, deflate: None, keeps_inflater: false };

pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let mut flags = Flags::new(input.byte());
    let door = (flags.bit(), flags.bit());
    let (same_origin, responds, breaks) = (!flags.bit(), flags.bit(), flags.bit());
    let end = input.byte();
    let ending = [Ending::Eof, Ending::Eof, Ending::Reset, Ending::Silence][usize::from(end & 3)];
    let mut pieces = || {
        let count = input.below(32);
        Pieces::new(input.take(count))
    };
    let (reads, writes) = (pieces(), pieces());
    let bytes = input.rest();
    let fails_after = breaks.then_some(usize::from(end >> 2) * 4);
    let origins = if same_origin { AllowOrigin::same_origin() } else { AllowOrigin::any() };
    let config = Config::new().allow_origin(origins).keepalive_interval(None);
    let scene = Scene {
        config,
        offer: None,
        terms: None,
        way: if door == (false, false) { Way::Alone } else { Way::Driven },
        echoes: true,
        is_eager: true,
        reads,
        ending,
        writes,
        fails_after,
    };
    let case = Case { bytes, head: head::request(bytes), same_origin, responds, scene };
    runtime::run(async {
        match door {
            (false, false) => case.accept().await,
            (true, false) => case.hyper().await,
            (_, true) => case.serve().await,
        }
    });
}

struct Case<'a> {
    bytes: &'a [u8],
    /// The head that the reference parser finds.
    head: Option<Head>,
    same_origin: bool,
    responds: bool,
    scene: Scene,
}

impl Case<'_> {
    fn io(&self) -> (Scripted, Shared) {
        let Scene { reads, ending, writes, fails_after, .. } = &self.scene;
        let (reads, writes) = (reads.clone().scaled(self.bytes.len()), writes.clone());
        let (io, record) = Scripted::new(self.bytes.to_vec(), reads, *ending, writes);
        record.lock().max_written = *fails_after;
        (io, record)
    }

    fn verdict(&self) -> Option<Verdict> {
        Some(self.head.as_ref()?.request.verdict(self.same_origin))
    }

    /// Returns whether it certainly opens a WebSocket.
    fn is_good(&self) -> bool {
        let is_strict = self.head.as_ref().is_some_and(|head| head.is_strict);
        is_strict && self.verdict() == Some(Verdict::Asks { broken: vec![], unsure: vec![] })
    }

    /// Checks a 101.
    fn check_accepted(&self, response: &Response) {
        let head = self.head.as_ref().expect("only a whole request is accepted");
        let verdict = self.verdict();
        let is_good = matches!(&verdict, Some(Verdict::Asks { broken, .. }) if broken.is_empty());
        assert!(is_good, "{:?} is accepted: {verdict:?}", head.request);
        assert_eq!(response.status, 101);
        let key = head.request.lines("sec-websocket-key")[0];
        let accept = digest::accept(key);
        assert_eq!(response.only("sec-websocket-accept"), Some(accept.as_bytes()));
        assert_eq!(response.only("upgrade"), Some(&b"websocket"[..]));
        // hyper adds the client's `close` to it.
        let connection = members(response.only("connection"));
        assert!(connection.iter().any(|member| member.eq_ignore_ascii_case(b"upgrade")), "{response:?}");
        for name in
            ["content-length", "transfer-encoding", "sec-websocket-protocol", "sec-websocket-extensions"]
        {
            assert_eq!(response.only(name), None, "{name}");
        }
    }

    /// Returns the bytes after the head.
    fn frames(&self) -> &[u8] {
        &self.bytes[self.head.as_ref().map_or(0, |head| head.len)..]
    }

    /// Checks the frames after an accepted request.
    fn check_frames(&self, program: &Program, record: &Shared, start: usize) {
        check_end(&self.scene, &read(self.frames(), RULES), program, record, start);
    }

    async fn accept(&self) {
        let (io, record) = self.io();
        let shutdown = Shutdown::new();
        let config = self.scene.config.clone().with_shutdown(&shutdown);
        match Acceptor::new(AcceptAll).with_config(config).accept(io).await {
            Ok((mut socket, ())) => {
                let written = record.lock().written.clone();
                let (response, rest) = head::response(&written).expect("the response is written");
                assert!(rest.is_empty());
                self.check_accepted(&response);
                let program = converse(&mut socket, true, self.scene.ending == Ending::Silence).await;
                drop(socket);
                shutdown.idle().await;
                self.check_frames(&program, &record, written.len());
            }
            Err(error) => self.check_refused(error, &record).await,
        }
    }

    async fn check_refused(&self, error: AcceptError<Scripted>, record: &Shared) {
        let is_strict = self.head.as_ref().is_some_and(|head| head.is_strict);
        let may_break = self.scene.fails_after.is_some();
        let status = match error.kind() {
            AcceptErrorKind::Handshake(error) => {
                let status = error.status().as_u16();
                match self.verdict().expect("a whole request is refused") {
                    Verdict::Ordinary => assert_eq!(status, 426),
                    Verdict::Asks { broken, unsure } => {
                        assert!(
                            broken.contains(&status) || unsure.contains(&status),
                            "{error}: {:?}",
                            self.head
                        );
                    }
                }
                Some(status)
            }
            AcceptErrorKind::Malformed(error) => {
                assert!(!is_strict, "{error}: {:?}", self.head);
                Some(400)
            }
            AcceptErrorKind::TooLarge => {
                assert!(!is_strict);
                Some(431)
            }
            AcceptErrorKind::TimedOut(_) => {
                assert!(!is_strict && self.scene.ending == Ending::Silence);
                Some(408)
            }
            AcceptErrorKind::UnexpectedEof => {
                assert!(!is_strict && self.scene.ending == Ending::Eof);
                None
            }
            AcceptErrorKind::Io(error) => {
                assert!(may_break || !is_strict && self.scene.ending == Ending::Reset, "{error}");
                None
            }
            kind => panic!("{kind:?}"),
        };
        assert!(!self.is_good() || may_break, "{:?} is refused with {error:?}", self.head);
        let before = record.lock().written.len();
        assert!(before == 0 || matches!(error.kind(), AcceptErrorKind::Io(_)), "{error:?}");
        if self.responds {
            let is_head = self.head.as_ref().is_some_and(|head| head.request.method == "HEAD");
            check_response(error, status, record, may_break, is_head).await;
            return;
        }
        // The received bytes are returned: all of them, or those after the head.
        let start = match (error.request(), &self.head) {
            (None, _) => 0,
            (Some(_), Some(head)) => head.len,
            (Some(request), None) => panic!("a request that is none: {request:?}"),
        };
        let left = rest(error.into_io()).await;
        assert_eq!(left.escape_ascii().to_string(), self.bytes[start..].escape_ascii().to_string());
    }

    async fn hyper(&self) {
        let (io, record) = self.io();
        let shutdown = Shutdown::new();
        let (sender, programs) = mpsc::channel();
        let service = TowerToHyperService::new(self.service(&shutdown, sender));
        let connection =
            http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(io), service);
        self.drive(connection.with_upgrades(), &record).await;
        // The handler's task starts.
        sleep(Duration::from_millis(1)).await;
        shutdown.idle().await;
        self.check_served(&record, &programs);
    }

    /// Drives hyper's connection to its end.
    ///
    /// hyper forgets a request whose predecessor's body ended while the response to it was being
    /// written: it answers when it is polled again for another reason. Only the first request must
    /// not wait for that.
    async fn drive(&self, connection: impl Future, record: &Shared) {
        let mut connection = pin!(connection);
        while timeout(REPOLL_INTERVAL, connection.as_mut()).await.is_err() {
            let is_answered = head::response(&record.lock().written).is_some();
            assert!(is_answered || self.scene.ending == Ending::Silence, "the first request hangs");
        }
    }

    async fn serve(&self) {
        let (io, record) = self.io();
        let shutdown = Shutdown::new();
        let (sender, programs) = mpsc::channel();
        let server = serve(Once(Some(io)), self.service(&shutdown, sender))
            .with_graceful_shutdown(sleep(Duration::from_secs(60)));
        server.await.expect("the listener does not fail");
        self.check_served(&record, &programs);
    }

    /// Returns a service whose handler records the messages it receives.
    fn service(
        &self,
        shutdown: &Shutdown,
        programs: mpsc::Sender<Program>,
    ) -> WebSocketUpgrade<
        UpgradeRequired,
        AcceptAll,
        impl Fn(WebSocket, ()) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    > {
        let is_silent = self.scene.ending == Ending::Silence;
        let handler = move |mut socket: WebSocket, ()| {
            let programs = programs.clone();
            async move {
                let program = converse(&mut socket, true, is_silent).await;
                programs.send(program).expect("it is waited for");
            }
            .boxed()
        };
        let config = self.scene.config.clone().with_shutdown(shutdown);
        WebSocketUpgradeLayer::new(AcceptAll, handler).with_config(config).into_service()
    }

    fn check_served(&self, record: &Shared, programs: &mpsc::Receiver<Program>) {
        let written = record.lock().written.clone();
        let is_http2 = self.bytes.starts_with(b"PRI");
        if is_http2 {
            return;
        }
        let Some((response, rest)) = head::response(&written) else {
            // hyper answers nothing if the stream ends or fails directly after the request.
            let may_end = self.scene.ending != Ending::Silence && self.frames().is_empty();
            assert!(!self.is_good() || self.scene.fails_after.is_some() || may_end, "no response");
            return;
        };
        if response.status == 101 {
            self.check_accepted(&response);
            let program = match programs.try_recv() {
                Ok(program) => program,
                Err(_) => {
                    assert!(self.scene.fails_after.is_some(), "the handler was not called");
                    return;
                }
            };
            self.check_frames(&program, record, written.len() - rest.len());
        } else {
            assert!(!self.is_good(), "{:?} is refused: {response:?}", self.head);
        }
    }
}

/// Checks the response to a rejected request.
async fn check_response(
    error: AcceptError<Scripted>,
    status: Option<u16>,
    record: &Shared,
    may_break: bool,
    is_head: bool,
) {
    let name = format!("{error:?}");
    let start = record.lock().written.len();
    let result = error.respond().await;
    let record = record.lock();
    assert!(record.is_dropped);
    if may_break {
        return;
    }
    result.expect("nothing breaks");
    assert!(record.is_shut_down, "{name}");
    let Some(status) = status else {
        assert_eq!(record.written.len(), start, "{name}");
        return;
    };
    let (response, body) = head::response(&record.written).expect("a whole response");
    assert_eq!(response.status, status, "{name}");
    if is_head {
        assert!(body.is_empty() && response.only("content-length").is_some(), "{name}");
    } else {
        assert_eq!(response.only("content-length"), Some(body.len().to_string().as_bytes()), "{name}");
    }
    let connection = response.lines.iter().filter(|(its, _)| its == "connection");
    assert!(connection.map(|(_, value)| &value[..]).any(|value| value == b"close"), "{name}");
    if status == 426 {
        assert_eq!(response.only("upgrade"), Some(&b"websocket"[..]));
        assert_eq!(response.only("sec-websocket-version"), Some(&b"13"[..]));
    }
}

/// Returns all remaining bytes.
async fn rest(mut io: Rewind<Scripted>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 1000];
    while let Ok(Ok(n @ 1..)) = timeout(Duration::from_secs(1), io.read(&mut buffer)).await {
        bytes.extend_from_slice(&buffer[..n]);
    }
    bytes
}

/// A listener with one client.
struct Once(Option<Scripted>);

impl Listener for Once {
    type Io = Scripted;
    type Addr = ();

    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<io::Result<(Scripted, ())>> {
        self.0.take().map_or(Poll::Pending, |io| Poll::Ready(Ok((io, ()))))
    }
}

//! Fuzzes the client: the head of a server's response, and the server's frames.
//!
//! An input is a byte of flags, two bytes that split the server's bytes into pieces, and either
//! descriptions of frames for [`described`], which follow an accepting response, or the bytes of a
//! response and the data after it. In these, `@` stands for the value computed from the key.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::oneshot,
};
use tower_websocket::{Config, Connector, connect::ConnectErrorKind};

use crate::{
    digest,
    input::{Flags, Input},
    lists::{members, trimmed},
    reader::{End, Expected, Rules, Seen, read},
    runtime,
    socket::{converse, seen},
    wire::{BINARY, CLOSE, CONTINUE, FIN, PING, PONG, TEXT, Width, client_frame, header},
};

const RULES: Rules = Rules { max_message: 70_000, max_frame: 1000, deflate: None, keeps_inflater: false };

const OFFERED: [&str; 2] = ["v2", "chat"];

pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let mut flags = Flags::new(input.byte());
    let (is_described, is_status_given) = (flags.bit(), flags.bit());
    let piece = usize::from(input.word()) + 1;
    if is_described {
        let (server, client) = described(input);
        runtime::run(check_frames(server, read(&client, RULES), piece));
    } else {
        let status: &[u8] = if is_status_given { b"HTTP/1.1 101 x\r\n" } else { b"" };
        runtime::run(check_response([status, input.rest()].concat(), piece));
    }
}

fn connector() -> Connector {
    let config = Config::new()
        .max_message_size(RULES.max_message)
        .max_frame_size(RULES.max_frame)
        .keepalive_interval(None);
    OFFERED.into_iter().fold(Connector::new().with_config(config), Connector::protocol)
}

fn request() -> http::Request<()> {
    http::Request::get("ws://x/").body(()).expect("it is a good one")
}

/// Reads a request, and sends the response that `response` makes from the value computed from its
/// key, in pieces, and then the end of the stream. Returns the client's bytes after its request.
async fn serve(mut io: DuplexStream, piece: usize, response: impl FnOnce(&str) -> Vec<u8>) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.expect("a whole request"));
    }
    let head = String::from_utf8(head).expect("a request is ASCII");
    let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).expect("there is a key");
    assert!(head.contains("sec-websocket-protocol: v2, chat\r\n"), "{head}");
    for piece in response(&digest::accept(key.as_bytes())).chunks(piece) {
        if io.write_all(piece).await.is_err() {
            break;
        }
    }
    let _ = io.shutdown().await;
    let mut sent = Vec::new();
    let _ = io.read_to_end(&mut sent).await;
    sent
}

async fn check_frames(frames: Vec<u8>, expected: Expected, piece: usize) {
    let (near, far) = duplex(1 << 20);
    let serving = tokio::spawn(serve(far, piece, move |accept| {
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        [head.as_bytes(), &frames].concat()
    }));
    let (mut socket, _) = connector().connect(request(), near).await.expect("the response is a good one");
    let program = converse(&mut socket, false, false).await;
    drop(socket);
    let sent = client_frames(&serving.await.expect("the server does not panic"));
    assert_eq!(program.seen(), &expected.seen[..]);
    let closes: Vec<_> = sent.iter().filter(|(first, _)| *first == FIN | CLOSE).collect();
    let code =
        closes.first().and_then(|(_, payload)| payload.first_chunk().map(|code| u16::from_be_bytes(*code)));
    assert!(closes.len() <= 1, "more than one Close: {closes:?}");
    match &expected.end {
        // The answer repeats the code.
        End::Closed => assert_eq!(seen_close(&expected), Some(code.unwrap_or(0))),
        End::Cut => assert_eq!(closes.len(), 0),
        End::Failed(codes) => {
            assert!(code.is_some_and(|code| codes.contains(&code)), "{code:?}, not {codes:?}")
        }
    }
    let pings = expected.seen.iter().filter(|seen| matches!(seen, Seen::Ping(_))).count();
    let pongs = sent.iter().filter(|(first, _)| *first == FIN | PONG).count();
    assert!(pongs <= pings && sent.len() == pongs + closes.len(), "{sent:?}");
}

fn seen_close(expected: &Expected) -> Option<u16> {
    match expected.seen.last() {
        Some(Seen::Close(code, _)) => Some(*code),
        _ => None,
    }
}

/// Returns the client's frames: each first byte, and its unmasked payload.
fn client_frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        assert!(*second >= 0x80, "a client masks");
        // It sends only control frames.
        let len = usize::from(second & 0x7f);
        assert!(len <= 125 && rest.len() >= 4 + len, "a frame is whole");
        let (key, rest) = rest.split_at(4);
        let (payload, rest) = rest.split_at(len);
        frames.push((*first, payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()));
        bytes = rest;
    }
    assert!(bytes.is_empty());
    frames
}

/// Returns the same frames of a server and of a client. Each is described by its kind and its
/// length, followed by its payload if the length is below 200.
fn described(mut input: Input<'_>) -> (Vec<u8>, Vec<u8>) {
    let (mut server, mut client) = (Vec::new(), Vec::new());
    while !input.is_empty() && server.len() < 1 << 18 {
        let kind = input.byte();
        let first = match kind % 16 {
            0 => input.byte(),
            1 | 2 => FIN | TEXT,
            3 | 4 => FIN | BINARY,
            5 | 6 => TEXT,
            7 => BINARY,
            8 | 9 => CONTINUE,
            10..=12 => FIN | CONTINUE,
            13 => FIN | PING,
            14 => FIN | PONG,
            _ => FIN | CLOSE,
        };
        let width = [Width::Shortest, Width::Shortest, Width::Two, Width::Eight][usize::from(kind >> 4 & 3)];
        let len = input.byte();
        if len == 255 {
            // A header that announces too large a payload.
            let len = [1001, 0xffff, 0x1_0000, 1 << 31, 1 << 62][input.below(5)];
            server.extend(header(first, len, None, width));
            client.extend(header(first, len, Some([1; 4]), width));
            continue;
        }
        let payload = if len < 200 {
            input.take(len.into()).to_vec()
        } else {
            vec![b'x'; 5 * usize::from(len - 200) + 900]
        };
        server.extend(client_frame(first, &payload, None, width));
        client.extend(client_frame(first, &payload, Some([1, 2, 3, 4]), width));
    }
    (server, client)
}

async fn check_response(bytes: Vec<u8>, piece: usize) {
    let (near, far) = duplex(1 << 20);
    let (send, receive) = oneshot::channel();
    let serving = tokio::spawn(serve(far, piece, move |accept| {
        let bytes: Vec<_> = bytes
            .iter()
            .flat_map(|byte| if *byte == b'@' { accept.as_bytes().to_vec() } else { vec![*byte] })
            .collect();
        let _ = send.send((accept.to_owned(), bytes.clone()));
        bytes
    }));
    let connected = connector().connect(request(), near).await;
    let (accept, bytes) = receive.await.expect("the request came");
    let head = last_head(&bytes);
    match connected {
        Ok((mut socket, _)) => {
            let (head, _) = head.expect("a whole head came");
            assert!(head.opens(&accept), "{head:?} opens nothing");
            while let Some(message) = socket.recv().await {
                if let Ok(message) = message {
                    seen(&message);
                }
            }
        }
        Err(error) => {
            let is_response = matches!(error.kind(), ConnectErrorKind::Response(_));
            assert_eq!(error.response().is_some(), is_response);
            let mut rest = Vec::new();
            let _ = error.into_io().read_to_end(&mut rest).await;
            if is_response {
                let (head, len) = head.expect("a whole head came");
                assert!(!head.opens(&accept), "{head:?} opens");
                assert_eq!(rest, bytes[len..]);
            } else {
                assert!(bytes.ends_with(&rest));
            }
        }
    }
    let _ = serving.await.expect("the server does not panic");
}

/// The head of a response, as lenient parsers read it.
#[derive(Debug)]
struct Head {
    status: Vec<u8>,
    /// Names are in lower case.
    lines: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Head {
    fn all(&self, name: &str) -> Vec<&[u8]> {
        self.lines.iter().filter(|(its, _)| its == name.as_bytes()).map(|(_, value)| &value[..]).collect()
    }

    /// RFC 6455 §4.1.
    fn opens(&self, accept: &str) -> bool {
        let upgrade = members(self.all("upgrade"));
        let protocols = self.all("sec-websocket-protocol");
        self.status == b"101"
            && upgrade.len() == 1
            && upgrade[0].eq_ignore_ascii_case(b"websocket")
            && members(self.all("connection")).iter().any(|member| member.eq_ignore_ascii_case(b"upgrade"))
            && self.all("sec-websocket-accept") == [accept.as_bytes()]
            && members(self.all("sec-websocket-extensions")).is_empty()
            && (protocols.is_empty()
                || protocols.len() == 1 && OFFERED.iter().any(|offered| protocols[0] == offered.as_bytes()))
    }
}

/// Returns the first head with a status of 101 or outside 1xx, and its end.
fn last_head(bytes: &[u8]) -> Option<(Head, usize)> {
    let mut at = 0;
    loop {
        while bytes[at..].starts_with(b"\r\n") || bytes[at..].starts_with(b"\n") {
            at += if bytes[at] == b'\r' { 2 } else { 1 };
        }
        let mut next = || {
            let len = bytes[at..].iter().position(|byte| *byte == b'\n')?;
            let line = &bytes[at..at + len];
            at += len + 1;
            Some(line.strip_suffix(b"\r").unwrap_or(line))
        };
        let first = next()?;
        let mut lines = Vec::new();
        loop {
            let line = next()?;
            if line.is_empty() {
                break;
            }
            let colon = line.iter().position(|byte| *byte == b':')?;
            lines.push((line[..colon].to_ascii_lowercase(), trimmed(&line[colon + 1..]).to_vec()));
        }
        let status = first.splitn(3, |byte| *byte == b' ').nth(1)?.to_vec();
        if status.first() != Some(&b'1') || status == b"101" {
            return Some((Head { status, lines }, at));
        }
    }
}

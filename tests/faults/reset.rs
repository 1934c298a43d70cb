//! Peers that reset their connection, at every stage.

use std::time::Duration;

use h2::client::Builder;
use raw_client::{
    frame,
    http2::{Client, connect},
    opening::{read_head, request},
    whole::{BINARY, CLOSE, TEXT},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    site::{Event, Site, Stream, open},
    trial::repeat,
};

/// The number of tries of each stage in the long form, without TLS and with it.
const TRIES: [usize; 2] = [200, 40];

/// The stage of the connection when it is reset.
#[derive(Clone, Copy, Debug)]
enum Stage {
    BeforeRequest,
    InsideRequest,
    WhileAsked,
    /// The 101 is not read yet.
    InsideOpening,
    AfterOpening,
    InsideHeader,
    InsidePayload,
    BetweenFragments,
    /// The echo is not read yet.
    AfterMessage,
    /// The server's Close is not read yet.
    AfterOurClose,
    /// The server's Close is read and not answered.
    BeforeTheirAnswer,
    /// The handler has returned.
    InTheBackground,
    AfterTheirClose,
    WhileUnsent,
}

impl Stage {
    /// Brings the connection to this stage, resets it, and returns the outcome that the handler
    /// reports.
    async fn go(self, site: &mut Site, is_tls: bool) -> String {
        let mut io = site.reset_on_drop(is_tls).await;
        let path = match self {
            Self::BeforeRequest => return "the handshake service was not called".to_owned(),
            Self::InsideRequest => {
                io.write_all(&request("/echo", "").as_bytes()[..60]).await.unwrap();
                io.flush().await.unwrap();
                return "the handshake service was not called".to_owned();
            }
            Self::WhileAsked => {
                io.write_all(request("/asked", "").as_bytes()).await.unwrap();
                io.flush().await.unwrap();
                site.sees(Event::Asked).await;
                drop(io);
                site.sees(Event::Unasked).await;
                return "the handshake service's future was dropped at once".to_owned();
            }
            Self::InsideOpening => {
                io.write_all(request("/echo", "").as_bytes()).await.unwrap();
                io.flush().await.unwrap();
                site.sees(Event::Opened).await;
                drop(io);
                return site.ended().await;
            }
            Self::AfterOurClose | Self::BeforeTheirAnswer => "/close",
            Self::InTheBackground => "/leave",
            Self::WhileUnsent => "/send",
            _ => "/echo",
        };
        open(&mut io, path).await;
        site.sees(Event::Opened).await;
        match self {
            Self::InsideHeader => io.write_all(&[0x81, 0xfe, 1]).await.unwrap(),
            Self::InsidePayload => io.write_all(&frame(BINARY, &[1; 100])[..50]).await.unwrap(),
            Self::BetweenFragments => io.write_all(&frame(0x01, b"a part")).await.unwrap(),
            Self::AfterMessage => {
                io.write_all(&frame(TEXT, b"whole")).await.unwrap();
                io.flush().await.unwrap();
                site.sees(Event::Message(5)).await;
            }
            Self::BeforeTheirAnswer | Self::InTheBackground => {
                let mut close = [0; 4];
                io.read_exact(&mut close).await.unwrap();
                assert_eq!(close, *b"\x88\x02\x03\xe8");
            }
            Self::AfterTheirClose => io.write_all(&frame(CLOSE, &[3, 232])).await.unwrap(),
            Self::WhileUnsent => site.sees(Event::Stuck).await,
            _ => {}
        }
        io.flush().await.unwrap();
        drop(io);
        site.ended().await
    }

    /// Returns whether the handler may report this outcome: at most one error, and an end.
    fn allows(self, outcome: &str) -> bool {
        // The system reports a reset only once. If a write got the error, reading returns the end
        // of the stream, which is unexpected for TLS.
        let is_reset = |what: &str, rest: &str| {
            let kinds = ["ConnectionReset", "BrokenPipe", "ResetWithoutClosingHandshake", "UnexpectedEof"];
            kinds.iter().any(|kind| outcome == format!("{what}{kind}{rest}"))
        };
        match self {
            Self::BeforeRequest | Self::InsideRequest | Self::WhileAsked => true,
            Self::AfterOurClose | Self::BeforeTheirAnswer => {
                outcome == "close() returned Ok" || is_reset("close() returned ", "")
            }
            Self::InTheBackground => outcome == "the handler had returned",
            // The reset may overtake the Close.
            Self::AfterTheirClose => outcome == "the end" || is_reset("one error, ", ", and the end"),
            Self::WhileUnsent => is_reset("send failed with ", ""),
            _ => is_reset("one error, ", ", and the end"),
        }
    }
}

/// Tries the reset without TLS and with it.
fn reset(what: &str, stage: Stage) {
    for (is_tls, tries) in [false, true].into_iter().zip(TRIES) {
        let over = if is_tls { " over TLS" } else { "" };
        repeat(&format!("reset {what}{over}"), tries, async |site| {
            let outcome = stage.go(site, is_tls).await;
            assert!(stage.allows(&outcome), "{stage:?}: {outcome}");
            outcome
        });
    }
}

#[test]
fn reset_before_the_request() {
    reset("before the request", Stage::BeforeRequest);
}

#[test]
fn reset_inside_the_request() {
    reset("inside the request", Stage::InsideRequest);
}

#[test]
fn reset_drops_the_future_of_the_handshake_service() {
    reset("while the handshake service is pending", Stage::WhileAsked);
}

#[test]
fn reset_with_the_101_unread() {
    reset("with the 101 unread", Stage::InsideOpening);
}

#[test]
fn reset_right_after_the_101() {
    reset("right after the 101", Stage::AfterOpening);
}

#[test]
fn reset_inside_a_frame_header() {
    reset("inside a frame header", Stage::InsideHeader);
}

#[test]
fn reset_inside_a_payload() {
    reset("inside a payload", Stage::InsidePayload);
}

#[test]
fn reset_between_two_fragments() {
    reset("between two fragments", Stage::BetweenFragments);
}

#[test]
fn reset_with_the_echo_unread() {
    reset("with the echo unread", Stage::AfterMessage);
}

#[test]
fn reset_with_our_close_unread() {
    reset("with our Close unread", Stage::AfterOurClose);
}

#[test]
fn reset_instead_of_the_answer_to_our_close() {
    reset("instead of the answer to our Close", Stage::BeforeTheirAnswer);
}

#[test]
fn reset_while_the_close_finishes_in_the_background() {
    reset("while the handler's Close is finished in the background", Stage::InTheBackground);
}

#[test]
fn reset_right_after_the_peers_close() {
    reset("right after the peer's Close", Stage::AfterTheirClose);
}

#[test]
fn reset_with_much_unsent_data() {
    reset("while much data is unsent", Stage::WhileUnsent);
}

#[test]
fn reset_inside_the_tls_handshake() {
    repeat("reset inside the TLS handshake", TRIES[0], async |site| {
        let mut io = tokio::net::TcpStream::connect(site.secure).await.unwrap();
        io.set_zero_linger().unwrap();
        io.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await.unwrap();
        "the handshake service was not called".to_owned()
    });
}

/// The response belongs to the server, not to a socket.
#[test]
fn reset_inside_a_large_page() {
    repeat("reset inside a large page", TRIES[0], async |site| {
        let mut io = site.reset_on_drop(false).await;
        io.write_all(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        assert!(read_head(&mut io).await.unwrap().starts_with("HTTP/1.1 200 "));
        "the page was dropped".to_owned()
    });
}

/// Three sockets share the connection: one is idle, one is inside a message, and one has an unread
/// echo.
#[test]
fn reset_of_an_http_2_connection_ends_each_socket_once() {
    for is_tls in [false, true] {
        let over = if is_tls { " over TLS" } else { "" };
        repeat(&format!("reset of an HTTP/2 connection with three sockets{over}"), TRIES[1], async |site| {
            let io: Box<dyn Stream> = site.connect_with("h2", is_tls, true).await;
            let (mut client, connection) = connect(io, &Builder::new()).await;
            client.ready().await;
            let mut sockets = Vec::new();
            for _ in 0..3 {
                sockets.push(client.open(Client::websocket("http://localhost/echo")).await);
                site.sees(Event::Opened).await;
            }
            sockets[1].write_all(&frame(BINARY, &[1; 100])[..50]).await.unwrap();
            sockets[2].write_all(&frame(BINARY, &[1; 100])).await.unwrap();
            site.sees(Event::Message(100)).await;
            connection.abort();
            assert!(connection.await.unwrap_err().is_cancelled());
            let mut ends = Vec::new();
            for _ in 0..sockets.len() {
                ends.push(site.ended().await);
            }
            ends.dedup();
            assert!(ends.iter().all(|end| end.starts_with("one error, ")), "{ends:?}");
            format!("each: {}", ends.join(", "))
        });
    }
}

/// The peer is silent for a moment first, so that the server is waiting for data.
#[test]
fn reset_of_an_idle_socket() {
    repeat("reset after a pause", TRIES[1], async |site| {
        let mut io = site.reset_on_drop(false).await;
        open(&mut io, "/echo").await;
        site.sees(Event::Opened).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
        drop(io);
        site.ended().await
    });
}

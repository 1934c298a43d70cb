//! Panics of handlers, handshake services and pages. Each affects only its own connection or
//! stream.

use h2::client::Builder;
use http::StatusCode;
use raw_client::{
    frame,
    http2::{Client, connect},
    opening::{read_head, request},
    whole::{CLOSE, TEXT},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    site::{Event, Site, Stream, open, read_to_end},
    trial::repeat,
};

const TRIES: usize = 50;

/// Where a handler panics.
#[derive(Clone, Copy)]
enum Place {
    /// Before it returns a future.
    Call,
    Poll,
    Message,
    /// While another task has its sender.
    Task,
}

impl Place {
    fn path(self) -> &'static str {
        match self {
            Self::Call => "/handler/call",
            Self::Poll => "/handler/poll",
            Self::Message => "/handler/message",
            Self::Task => "/handler/task",
        }
    }

    /// Makes the handler panic. The peer receives the messages that were sent before, and Close
    /// 1011. It answers, and the stream ends.
    async fn happens(self, site: &mut Site, io: &mut (impl Stream + ?Sized)) -> String {
        if !matches!(self, Self::Call) {
            site.sees(Event::Opened).await;
        }
        if matches!(self, Self::Message) {
            io.write_all(&frame(TEXT, b"now")).await.unwrap();
        }
        let mut close = [0; 4];
        if matches!(self, Self::Task) {
            let mut before = [0; 19];
            io.read_exact(&mut before).await.unwrap();
            assert_eq!(&before[..], b"\x81\x11from another task");
        }
        io.read_exact(&mut close).await.unwrap();
        assert_eq!(close, *b"\x88\x02\x03\xf3");
        io.write_all(&frame(CLOSE, &[3, 243])).await.unwrap();
        let (rest, how) = read_to_end(io).await;
        assert!(rest.is_empty(), "{rest:?}");
        format!("Close 1011, {how}")
    }
}

fn handler_panics(what: &str, place: Place) {
    for is_tls in [false, true] {
        let over = if is_tls { " over TLS" } else { "" };
        repeat(&format!("handler panics {what}{over}"), TRIES, async |site| {
            // Another open socket is not affected.
            let mut other = site.connect(false, false).await;
            open(&mut other, "/echo").await;
            site.sees(Event::Opened).await;
            let mut io = site.connect(is_tls, false).await;
            open(&mut io, place.path()).await;
            let outcome = place.happens(site, &mut *io).await;
            other.write_all(&frame(TEXT, b"still there")).await.unwrap();
            site.sees(Event::Message(11)).await;
            drop(other);
            site.ended().await;
            outcome
        });
    }
}

#[test]
fn handler_panics_when_it_is_called() {
    handler_panics("when it is called", Place::Call);
}

#[test]
fn handler_panics_at_once() {
    handler_panics("at once", Place::Poll);
}

#[test]
fn handler_panics_after_a_message() {
    handler_panics("after a message", Place::Message);
}

#[test]
fn handler_panics_while_another_task_sends() {
    handler_panics("while another task sends", Place::Task);
}

/// Another socket on the same connection is not affected.
#[test]
fn handler_panics_over_http_2() {
    repeat("handler panics over HTTP/2", TRIES, async |site| {
        let (mut client, connection) = connect(site.connect(false, false).await, &Builder::new()).await;
        client.ready().await;
        let mut other = client.open(Client::websocket("http://localhost/echo")).await;
        site.sees(Event::Opened).await;
        let mut io = client.open(Client::websocket("http://localhost/handler/poll")).await;
        let outcome = Place::Poll.happens(site, &mut io).await;
        other.write_all(&frame(TEXT, b"still there")).await.unwrap();
        site.sees(Event::Message(11)).await;
        drop((other, io, client));
        site.ended().await;
        connection.await.unwrap().unwrap();
        outcome
    });
}

#[test]
fn handshake_service_panic_is_500_and_the_connection_continues() {
    for (what, path) in [("when it is called", "/handshake/call"), ("in its future", "/handshake/future")] {
        for is_tls in [false, true] {
            let over = if is_tls { " over TLS" } else { "" };
            repeat(&format!("handshake service panics {what}{over}"), TRIES, async |site| {
                let mut io = site.connect(is_tls, false).await;
                io.write_all(request(path, "").as_bytes()).await.unwrap();
                let response = read_head(&mut io).await.unwrap();
                assert!(response.starts_with("HTTP/1.1 500 "), "{response}");
                open(&mut io, "/echo").await;
                site.sees(Event::Opened).await;
                drop(io);
                site.ended().await;
                "500, and then a socket on the same connection".to_owned()
            });
        }
    }
}

#[test]
fn handshake_service_panic_over_http_2_is_500() {
    repeat("handshake service panics over HTTP/2", TRIES, async |site| {
        let (mut client, connection) = connect(site.connect(false, false).await, &Builder::new()).await;
        client.ready().await;
        for path in ["call", "future"] {
            let request = Client::websocket(&format!("http://localhost/handshake/{path}"));
            let (response, _) = client.send(request, false).await.response().await.unwrap();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        }
        let socket = client.open(Client::websocket("http://localhost/echo")).await;
        site.sees(Event::Opened).await;
        drop((socket, client));
        site.ended().await;
        connection.await.unwrap().unwrap();
        "500, and then a socket on the same connection".to_owned()
    });
}

/// hyper ends the connection without a response.
#[test]
fn page_panic_ends_only_its_connection() {
    for is_tls in [false, true] {
        let over = if is_tls { " over TLS" } else { "" };
        repeat(&format!("another service panics{over}"), TRIES, async |site| {
            let mut io = site.connect(is_tls, false).await;
            io.write_all(b"GET /page/panics HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
            let (answer, how) = read_to_end(&mut *io).await;
            assert!(answer.is_empty(), "{answer:?}");
            format!("no answer, {how}")
        });
    }
}

#[test]
fn page_panic_over_http_2_ends_only_its_stream() {
    repeat("another service panics over HTTP/2", TRIES, async |site| {
        let (mut client, connection) = connect(site.connect(false, false).await, &Builder::new()).await;
        client.ready().await;
        let mut socket = client.open(Client::websocket("http://localhost/echo")).await;
        site.sees(Event::Opened).await;
        let request = http::Request::get("http://localhost/page/panics").version(http::Version::HTTP_2);
        let error = client.send(request, true).await.response().await.err().unwrap();
        socket.write_all(&frame(TEXT, b"still there")).await.unwrap();
        site.sees(Event::Message(11)).await;
        drop((socket, client));
        site.ended().await;
        connection.await.unwrap().unwrap();
        format!("RST_STREAM {:?}", error.reason())
    });
}

//! The final response determines the negotiated parameters.

use http::{HeaderValue, Request, Response, header::SEC_WEBSOCKET_EXTENSIONS};
use raw_client::{
    FIN, RSV1,
    deflate::{Deflater, Inflater, NO_TAKEOVER, TAKEOVER},
    opcode::TEXT,
};
use tower::service_fn;
use tower_websocket::{Config, Deflate, Handshake, Message, Rejection};

use crate::peer::{config, open, open_with, text};

#[tokio::test]
async fn nothing_is_negotiated_without_configuration() {
    let (peer, _socket) = open(Config::new(), &[TAKEOVER]).await;
    assert!(peer.extensions().is_empty());
}

#[tokio::test]
async fn nothing_is_negotiated_without_an_offer() {
    for extensions in [&[][..], &["x-webkit-deflate-frame"], &["permessage-deflate; unknown"]] {
        let (mut peer, mut socket) = open(config(), extensions).await;
        assert!(peer.extensions().is_empty());
        socket.send(text(1000)).await.unwrap();
        assert_eq!(peer.recv().await.unwrap(), (FIN | TEXT, text(1000).into_bytes()));
        peer.send(FIN | RSV1 | TEXT, &Deflater::new(false).message(b"hello")).await;
        socket.recv().await.unwrap().unwrap_err();
        assert_eq!(peer.recv_close().await, 1002);
    }
}

/// Default offers of clients, and the responses. Each side then sends everything that it may refer
/// back to.
#[tokio::test]
async fn defaults_require_nothing_that_was_not_offered() {
    let cases = [
        ("Firefox, Safari, OkHttp, Mojolicious", "permessage-deflate", "permessage-deflate"),
        (
            "Chromium, Node's `ws`, Tornado",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate",
        ),
        (
            "Netty",
            "permessage-deflate;client_max_window_bits,deflate-frame,x-webkit-deflate-frame",
            "permessage-deflate",
        ),
        (
            "Python's `websockets`",
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
        ),
        (
            "gorilla/websocket",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ),
        (
            "one that frees its inflater",
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover",
        ),
        (
            "one that frees its compressor",
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover",
        ),
    ];
    for (client, offer, answer) in cases {
        for takeover in [false, true] {
            let config = Config::new().deflate(Deflate::new().context_takeover(takeover));
            let (mut peer, mut socket) = open(config, &[offer]).await;
            assert_eq!(peer.extensions(), [answer], "{client}");
            let has = |parameter| answer.contains(parameter);
            let bits = if has("server_max_window_bits=12") { 12 } else { 15 };
            // Unless the server declares otherwise, a client's inflater keeps its window, even if
            // the server does not use it.
            let mut inflater = Inflater::new(!has("server_no_context_takeover"), bits);
            let mut deflater = Deflater::new(!has("client_no_context_takeover"));
            let mut lengths = Vec::new();
            for _ in 0..3 {
                peer.send(FIN | RSV1 | TEXT, &deflater.message(text(2000).as_bytes())).await;
                let message = socket.recv().await.unwrap().unwrap();
                assert_eq!(message, Message::text(text(2000)), "{client}");
                socket.send(message).await.unwrap();
                let (first, payload) = peer.recv().await.unwrap();
                assert_eq!(first, FIN | RSV1 | TEXT);
                assert!(inflater.message(&payload) == text(2000).as_bytes(), "{client}");
                lengths.push(payload.len());
            }
            let refers_back = lengths[1] < lengths[0] / 4;
            assert_eq!(refers_back, takeover && !has("server_no_context_takeover"), "{client}: {lengths:?}");
        }
    }
}

#[tokio::test]
async fn requirements_and_declarations_are_configurable() {
    let deflate = Deflate::new().server_no_context_takeover(true).client_no_context_takeover(true);
    let (peer, _socket) = open(Config::new().deflate(deflate), &["foo", TAKEOVER]).await;
    assert_eq!(peer.extensions(), [NO_TAKEOVER]);
}

#[test]
fn impossible_promise_is_rejected_when_it_is_set() {
    let settings: [fn() -> Deflate; 2] = [
        || Deflate::new().context_takeover(true).server_no_context_takeover(true),
        || Deflate::new().server_no_context_takeover(true).context_takeover(true),
    ];
    for setting in settings {
        std::panic::catch_unwind(setting).unwrap_err();
    }
    let _ = Deflate::new().context_takeover(true).context_takeover(false).server_no_context_takeover(true);
}

#[tokio::test]
async fn handshake_service_may_decline() {
    let handshake = service_fn(async |request: Request<Handshake>| {
        let mut handshake = request.into_body();
        let headers = handshake.response_mut().headers_mut();
        assert_eq!(headers.remove(SEC_WEBSOCKET_EXTENSIONS).unwrap(), TAKEOVER);
        Ok::<_, Rejection>(handshake.accept(()))
    });
    let (mut peer, mut socket) = open_with(handshake, config(), &[TAKEOVER]).await;
    assert!(peer.extensions().is_empty());
    socket.send(text(1000)).await.unwrap();
    assert_eq!(peer.recv().await.unwrap().0, FIN | TEXT);
    peer.send(FIN | RSV1 | TEXT, &Deflater::new(false).message(b"hello")).await;
    socket.recv().await.unwrap().unwrap_err();
    assert_eq!(peer.recv_close().await, 1002);
}

#[tokio::test]
async fn new_response_negotiates_nothing() {
    let handshake = service_fn(async |_: Request<Handshake>| {
        Ok::<_, Rejection>(Response::builder().status(101).body(()).unwrap())
    });
    let (peer, _socket) = open_with(handshake, config(), &[TAKEOVER]).await;
    assert!(peer.extensions().is_empty());
}

#[tokio::test]
async fn handshake_service_may_change_the_parameters() {
    let handshake = service_fn(async |request: Request<Handshake>| {
        let mut handshake = request.into_body();
        let value = "permessage-deflate;server_no_context_takeover;server_max_window_bits=\"9\"";
        let value = HeaderValue::from_static(value);
        handshake.response_mut().headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, value);
        Ok::<_, Rejection>(handshake.accept(()))
    });
    let (mut peer, mut socket) = open_with(handshake, config(), &[TAKEOVER]).await;
    assert_eq!(
        peer.extensions(),
        ["permessage-deflate; server_no_context_takeover; server_max_window_bits=9"]
    );
    for _ in 0..2 {
        socket.send(text(10_000)).await.unwrap();
        let (first, payload) = peer.recv().await.unwrap();
        assert_eq!(first, FIN | RSV1 | TEXT);
        assert!(Inflater::new(false, 9).message(&payload) == text(10_000).as_bytes());
    }
}

#[tokio::test]
async fn only_offered_parameters_are_sent() {
    let handshake = service_fn(async |request: Request<Handshake>| {
        let mut handshake = request.into_body();
        let value = HeaderValue::from_static("permessage-deflate; client_max_window_bits=10");
        handshake.response_mut().headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, value);
        Ok::<_, Rejection>(handshake.accept(()))
    });
    for offer in [&[][..], &["foo"], &[TAKEOVER]] {
        let (mut peer, mut socket) = open_with(handshake, config(), offer).await;
        assert!(peer.extensions().is_empty());
        socket.send(text(1000)).await.unwrap();
        assert_eq!(peer.recv().await.unwrap().0, FIN | TEXT);
    }
}

#[tokio::test]
async fn each_direction_has_its_own_window() {
    let deflate = Deflate::new().threshold(0).context_takeover(true);
    let config = Config::new().deflate(deflate.server_max_window_bits(10).client_max_window_bits(11));
    let (mut peer, mut socket) =
        open(config, &["permessage-deflate; server_max_window_bits=12; client_max_window_bits"]).await;
    assert_eq!(
        peer.extensions(),
        ["permessage-deflate; server_max_window_bits=10; client_max_window_bits=11"]
    );
    let mut inflater = Inflater::new(true, 10);
    for _ in 0..3 {
        socket.send(text(5000)).await.unwrap();
        assert!(inflater.message(&peer.recv().await.unwrap().1) == text(5000).as_bytes());
    }
    let mut deflater = Deflater::new(true);
    for message in [text(200), text(5000)] {
        peer.send(FIN | RSV1 | TEXT, &deflater.message(message.as_bytes())).await;
        assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text(message));
    }
}

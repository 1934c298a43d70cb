//! What is agreed on is what the final response says.

use http::{HeaderValue, Request, Response, header::SEC_WEBSOCKET_EXTENSIONS};
use tower::service_fn;
use tower_websocket::{Config, Deflate, Handshake, Message, Rejection};

use super::peer::{
    Deflater, FIN, Inflater, NO_TAKEOVER, RSV1, TAKEOVER, TEXT, config, open, open_with, text,
};

#[tokio::test]
async fn without_configuration_nothing_is_agreed_on() {
    let (peer, _socket) = open(Config::new(), &[TAKEOVER]).await;
    assert!(peer.extensions().is_empty());
}

#[tokio::test]
async fn without_an_offer_nothing_is_agreed_on() {
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

#[tokio::test]
async fn by_default_nothing_is_taken_over() {
    let (peer, _socket) = open(Config::new().deflate(Deflate::new()), &["foo", TAKEOVER]).await;
    assert_eq!(peer.extensions(), [NO_TAKEOVER]);
}

#[tokio::test]
async fn a_handshake_service_may_decline() {
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
async fn a_response_of_its_own_agrees_on_nothing() {
    let handshake = service_fn(async |_: Request<Handshake>| {
        Ok::<_, Rejection>(Response::builder().status(101).body(()).unwrap())
    });
    let (peer, _socket) = open_with(handshake, config(), &[TAKEOVER]).await;
    assert!(peer.extensions().is_empty());
}

#[tokio::test]
async fn a_handshake_service_may_change_the_parameters() {
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
async fn what_the_client_did_not_offer_is_not_sent() {
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

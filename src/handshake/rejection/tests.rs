use std::{convert::Infallible, error::Error, io};

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::{Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use tower::BoxError;

use super::{HandshakeKind, Rejection};

#[test]
fn rejection_has_the_response_that_it_is_created_from() {
    let status = Rejection::from(StatusCode::FORBIDDEN);
    assert_eq!((status.status(), text_of(status)), (StatusCode::FORBIDDEN, "".into()));

    let text = Rejection::from((StatusCode::NOT_FOUND, "no such room"));
    assert_eq!(text.response().headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(text_of(text), "no such room");
    let name = String::from("lobby");
    assert_eq!(text_of((StatusCode::NOT_FOUND, &name[1..]).into()), "obby");
    assert_eq!(text_of((StatusCode::NOT_FOUND, name).into()), "lobby");

    let own = Response::builder().status(302).header("location", "/login").body("go").unwrap();
    let own = Rejection::new(own);
    assert_eq!(own.response().headers()["location"], "/login");
    assert_eq!(text_of(own), "go");
}

fn text_of(rejection: Rejection) -> String {
    let body = rejection.into_response().into_body().collect().now_or_never().unwrap().unwrap();
    String::from_utf8(body.to_bytes().into()).unwrap()
}

#[test]
fn rejection_can_have_any_body() {
    let parts = ["a", "b"].map(|part| Ok::<_, io::Error>(Frame::data(Bytes::from(part))));
    let stream = StreamBody::new(stream::iter(parts));
    for (rejection, text) in [
        (Rejection::from(Response::new(String::from("text"))), "text"),
        (Rejection::from(Response::new(Full::new(Bytes::from("full")))), "full"),
        (Rejection::from(Response::new(Empty::<Bytes>::new())), ""),
        (Rejection::from(Response::new(stream)), "ab"),
        (Rejection::from(Response::new(axum::body::Body::from("axum"))), "axum"),
        (Rejection::from(Response::new(Full::new(&b"data"[..]).boxed_unsync())), "data"),
    ] {
        assert_eq!(text_of(rejection), text);
    }
}

#[test]
fn text_is_logged_but_not_sent() {
    for rejection in [Rejection::from("secret"), Rejection::from(String::from("secret"))] {
        assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(rejection.source().unwrap().to_string(), "secret");
        assert_eq!(text_of(rejection), "");
    }
}

#[test]
fn length_headers_are_removed() {
    let response = || {
        let response = Response::builder().header("content-length", "5").header("content-length", "6");
        response.header("transfer-encoding", "chunked").header("x-own", "1")
    };
    for rejection in [
        Rejection::new(response().body("body").unwrap()),
        Rejection::from(response().body(String::from("body")).unwrap()),
    ] {
        assert_eq!(rejection.response().headers().keys().collect::<Vec<_>>(), ["x-own"]);
    }
}

#[test]
fn status_without_content_has_no_body() {
    for (status, expected) in [(200, "body"), (204, ""), (205, ""), (304, ""), (403, "body")] {
        let response = || Response::builder().status(status);
        let stream = StreamBody::new(stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from("body")))]));
        for rejection in [
            Rejection::new(response().body("body").unwrap()),
            Rejection::from(response().body(stream).unwrap()),
        ] {
            assert_eq!(rejection.response().body().is_end_stream(), expected.is_empty(), "{status}");
            assert_eq!(text_of(rejection), expected, "{status}");
        }
    }
}

#[test]
fn unknown_error_is_500_without_its_text() {
    let error: BoxError = io::Error::other("password=hunter2").into();
    let rejection = Rejection::from(error);
    assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(rejection.source().unwrap().to_string(), "password=hunter2");
    assert_eq!(text_of(rejection), "");
}

#[test]
fn errors_of_tower_are_503() {
    for error in [
        BoxError::from(tower::timeout::error::Elapsed::new()),
        BoxError::from(tower::load_shed::error::Overloaded::new()),
    ] {
        assert_eq!(Rejection::from(error).status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}

#[test]
fn rejection_is_found_in_a_boxed_error() {
    let boxed: BoxError = Rejection::from((StatusCode::CONFLICT, "taken")).into();
    assert_eq!(text_of(boxed.into()), "taken");

    let inner = Rejection::from(StatusCode::CONFLICT);
    let wrapped: BoxError = io::Error::other(inner).into();
    // `io::Error::source` is the source of its payload, not the payload, so nothing is found.
    assert_eq!(Rejection::from(wrapped).status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn informational_status_cannot_reject() {
    let rejection = Rejection::from(StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(rejection.source().unwrap().to_string(), "101 Switching Protocols cannot reject");
}

#[test]
fn successful_status_rejects_over_http_1_1_only() {
    for status in [StatusCode::OK, StatusCode::NO_CONTENT] {
        let rejection = Rejection::from((status, "no")).over(HandshakeKind::Upgrade);
        assert_eq!(rejection.status(), status);
        let rejection = rejection.over(HandshakeKind::ExtendedConnect);
        assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(rejection.source().unwrap().to_string(), format!("{status} cannot reject"));
    }
    let rejection = Rejection::from(StatusCode::FORBIDDEN).over(HandshakeKind::ExtendedConnect);
    assert_eq!(rejection.status(), StatusCode::FORBIDDEN);
}

#[test]
fn rejection_keeps_connection_headers_over_http_1_1_only() {
    let response = Response::builder().status(403).header("connection", "close").body("").unwrap();
    let rejection = Rejection::new(response).over(HandshakeKind::Upgrade);
    assert_eq!(rejection.response().headers().len(), 1);
    assert!(rejection.over(HandshakeKind::ExtendedConnect).response().headers().is_empty());
}

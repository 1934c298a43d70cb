//! The layer is generic over the bodies of requests and responses.

use std::{convert::Infallible, rc::Rc};

use axum::body::Body;
use bytes::{Buf, Bytes};
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    request::{answer, upgradable, upgrade},
    server::echo_layer,
};

/// Returns a rejected handshake, whose response has a body of the layer, and an ordinary request.
fn requests() -> [Request<()>; 2] {
    [upgradable(upgrade("/?refuse").body(()).unwrap()), Request::new(())]
}

#[tokio::test]
async fn request_body_need_not_be_send() {
    let body: Rc<str> = "local".into();
    let service = echo_layer().layer(service_fn(async |request: Request<Rc<str>>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(request.body().to_string())))
    }));
    let ours = upgradable(upgrade("/").body(Rc::clone(&body)).unwrap());
    assert_eq!(answer(service.clone(), ours).await.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(answer(service, Request::new(body)).await.body(), "local");
}

#[tokio::test]
async fn response_body_may_be_axums() {
    let service = echo_layer()
        .layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::from("inner")))));
    let [ours, theirs] = requests();
    assert_eq!(answer(service.clone(), ours).await.body(), "no");
    assert_eq!(answer(service, theirs).await.body(), "inner");
}

#[tokio::test]
async fn response_body_of_the_service_may_be_empty() {
    let service = echo_layer()
        .layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))));
    let [ours, theirs] = requests();
    assert_eq!(answer(service.clone(), ours).await.body(), "no");
    assert_eq!(answer(service, theirs).await.body(), "");
}

/// Data of a type other than `Bytes`.
#[derive(Debug)]
struct Chunk(Bytes);

impl From<Bytes> for Chunk {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.0.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.0.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.0.advance(count);
    }
}

#[tokio::test]
async fn response_data_is_made_from_bytes() {
    let service = echo_layer().layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Full::new(Chunk("inner".into()))))
    }));
    for (request, expected) in requests().into_iter().zip(["no", "inner"]) {
        let mut body = service.clone().oneshot(request).await.unwrap().into_body();
        let chunk: Chunk = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(&chunk.0[..], expected.as_bytes());
        assert!(body.frame().await.is_none());
    }
}

#[tokio::test]
async fn body_reports_its_length_and_its_end() {
    let service = echo_layer().layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("inner")))
    }));
    let accepted = upgradable(upgrade("/").body(()).unwrap());
    let [refused, theirs] = requests();
    for (request, length) in [(accepted, 0), (refused, 2), (theirs, 5)] {
        let body = service.clone().oneshot(request).await.unwrap().into_body();
        assert_eq!(body.size_hint().exact(), Some(length));
        assert_eq!(body.is_end_stream(), length == 0);
    }
}

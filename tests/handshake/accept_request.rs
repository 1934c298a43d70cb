//! `Acceptor::accept_request` in the caller's own service.

use std::convert::Infallible;

use futures_util::StreamExt;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tower::service_fn;
use tower_websocket::{
    AcceptAll, Acceptor, Handshake, Rejection,
    handshake::{HandshakeError, RejectionBody},
};

use crate::{
    request::{upgradable, upgrade, upgrade_without},
    server::in_memory,
    wire::{head, soon},
};

#[tokio::test]
async fn hyper_service_responds_and_takes_over() {
    let acceptor = Acceptor::new(service_fn(async |request: Request<Handshake>| {
        let path = request.uri().path().to_owned();
        if path == "/refused" {
            return Err(Rejection::from(StatusCode::FORBIDDEN));
        }
        Ok(request.into_body().accept(path))
    }));
    let service = service_fn(move |request: Request<Incoming>| {
        let acceptor = acceptor.clone();
        async move {
            Ok::<_, Infallible>(match acceptor.accept_request(request).await {
                Ok((response, upgrading)) => {
                    tokio::spawn(async move {
                        let (mut socket, path) = upgrading.await.unwrap();
                        socket.send(format!("hello from {path}")).await.unwrap();
                        while let Some(Ok(_)) = socket.recv().await {}
                    });
                    response.map(|()| RejectionBody::default())
                }
                Err(refused) => refused.into_response(),
            })
        }
    });
    let mut wire = in_memory(service);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(wire.response().await.status(), StatusCode::UPGRADE_REQUIRED);
    wire.send(head("/refused")).await;
    assert_eq!(wire.response().await.status(), StatusCode::FORBIDDEN);
    let mut socket = wire.open("/there").await;
    assert_eq!(soon(socket.next()).await.unwrap().unwrap().to_text().unwrap(), "hello from /there");
}

#[tokio::test]
async fn each_failure_names_its_cause() {
    let ask = async |request| Acceptor::new(AcceptAll).accept_request(request).await.map(drop);

    let error = ask(Request::new(())).await.unwrap_err();
    assert!(matches!(error, HandshakeError::NotWebSocket), "{error:?}");

    let error = ask(upgrade("/").body(()).unwrap()).await.unwrap_err();
    assert!(matches!(error, HandshakeError::NotUpgradable), "{error:?}");
    assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);

    let request = upgradable(upgrade_without("/", &["Sec-WebSocket-Key"]).body(()).unwrap());
    let error = ask(request).await.unwrap_err();
    assert!(matches!(error, HandshakeError::MissingKey), "{error:?}");

    let request = upgradable(upgrade("/").header("origin", "null").body(()).unwrap());
    let error = ask(request).await.unwrap_err();
    assert!(
        matches!(&error, HandshakeError::ForbiddenOrigin { origin, host } if origin == "null" && host == "server.example.com"),
        "{error:?}"
    );
}

#[tokio::test]
async fn rejection_is_returned_with_its_response() {
    let acceptor = Acceptor::new(service_fn(async |_: Request<Handshake>| {
        Err::<Response<()>, _>(Rejection::from((StatusCode::CONFLICT, "taken")))
    }));
    let error = acceptor.accept_request(upgradable(upgrade("/").body(()).unwrap())).await.unwrap_err();
    let HandshakeError::Rejected(rejection) = &error else { panic!("{error:?}") };
    assert_eq!(rejection.status(), StatusCode::CONFLICT);
    assert_eq!(error.into_response().body().as_bytes().unwrap(), "taken");
}

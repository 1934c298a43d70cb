//! A handshake service may reject with anything that converts into a response.

use std::{fmt, io, sync::Arc};

use axum::{
    extract::{FromRequestParts, Query},
    response::IntoResponse,
};
use futures_util::StreamExt;
use http::{Request, Response, StatusCode};
use tokio::sync::Notify;
use tower::{BoxError, service_fn};
use tower_websocket::{Handshake, Rejection, WebSocketUpgradeLayer};

use crate::{
    request::{answer, answer_upgrade, upgradable, upgrade},
    server::in_memory,
    wire::{head, soon},
};

/// Returns the response that the client gets if the handshake service returns `answer`.
async fn answered<E, F>(answer: F) -> Response<String>
where
    E: Into<Rejection> + Send + 'static,
    F: Fn() -> Result<Response<()>, E> + Clone + Send + Sync + 'static,
{
    let handshake = service_fn(move |_: Request<Handshake>| std::future::ready(answer()));
    answer_upgrade(WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).into_service()).await
}

#[tokio::test]
async fn status_rejects() {
    let response = answered(|| Err(Rejection::from(StatusCode::UNAUTHORIZED))).await;
    assert_eq!((response.status(), response.body().as_str()), (StatusCode::UNAUTHORIZED, ""));
    assert!(!response.headers().contains_key("sec-websocket-accept"));
}

#[tokio::test]
async fn status_and_text_reject() {
    let response = answered(|| Err(Rejection::from((StatusCode::NOT_FOUND, "no such room")))).await;
    assert_eq!((response.status(), response.body().as_str()), (StatusCode::NOT_FOUND, "no such room"));
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
}

#[tokio::test]
async fn any_response_rejects_with_its_headers_and_body() {
    let response = answered(|| {
        let response = Response::builder().status(302).header("location", "/login");
        let response = response.header("set-cookie", "a=1").header("set-cookie", "b=2");
        Err(Rejection::new(response.body("log in first").unwrap()))
    })
    .await;
    assert_eq!((response.status(), response.body().as_str()), (StatusCode::FOUND, "log in first"));
    assert_eq!(response.headers()["location"], "/login");
    assert_eq!(response.headers().get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
}

#[tokio::test]
async fn unknown_error_is_500_without_its_text() {
    let response = answered(|| Err(BoxError::from(io::Error::other("password=hunter2")))).await;
    assert_eq!((response.status(), response.body().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, ""));
    assert!(!format!("{response:?}").contains("hunter2"));
}

#[tokio::test]
async fn custom_error_converts_into_its_rejection() {
    #[derive(Debug)]
    struct Banned;
    impl fmt::Display for Banned {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("banned")
        }
    }
    impl std::error::Error for Banned {}
    impl From<Banned> for Rejection {
        fn from(banned: Banned) -> Self {
            Self::from((StatusCode::FORBIDDEN, banned.to_string())).with_source(banned)
        }
    }
    let response = answered(|| Err(Banned)).await;
    assert_eq!((response.status(), response.body().as_str()), (StatusCode::FORBIDDEN, "banned"));
}

#[tokio::test]
async fn response_with_another_status_never_upgrades() {
    for status in [200, 204, 303, 403, 500] {
        let response = answered(move || {
            Ok::<_, Rejection>(Response::builder().status(status).header("x-own", "1").body(()).unwrap())
        })
        .await;
        assert_eq!((response.status().as_u16(), response.body().as_str()), (status, ""));
        assert_eq!(response.headers()["x-own"], "1");
    }
}

#[tokio::test]
async fn prebuilt_response_with_another_status_never_upgrades() {
    let dropped = Arc::new(Notify::new());
    let handshake = {
        let dropped = Arc::clone(&dropped);
        service_fn(move |request: Request<Handshake>| {
            let told = Tell(Arc::clone(&dropped));
            let mut handshake = request.into_body();
            *handshake.response_mut().status_mut() = StatusCode::OK;
            async { Ok::<_, Rejection>(handshake.accept(told)) }
        })
    };
    let layer = WebSocketUpgradeLayer::new(handshake, async |_, _| panic!("there is a handler"));
    let mut wire = in_memory(layer.into_service());

    wire.send(head("/")).await;
    assert_eq!(wire.response().await.status(), StatusCode::OK);
    // The attached value is dropped, so no handler can still receive it.
    soon(dropped.notified()).await;
    // The connection still speaks HTTP.
    wire.send(head("/")).await;
    assert_eq!(wire.response().await.status(), StatusCode::OK);
}

/// Notifies when it is dropped.
struct Tell(Arc<Notify>);

impl Drop for Tell {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn only_informational_status_101_reaches_the_client() {
    for status in [100, 102, 103] {
        let response =
            answered(move || Ok::<_, Rejection>(Response::builder().status(status).body(()).unwrap())).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{status}");
    }
}

#[tokio::test]
async fn connection_is_kept_alive_after_each_kind_of_rejection() {
    let handshake = service_fn(async |request: Request<Handshake>| match request.uri().path() {
        "/status" => Err(Rejection::from(StatusCode::GONE)),
        "/text" => Err(Rejection::from((StatusCode::GONE, "a text"))),
        "/response" => Ok(Response::builder().status(410).body(()).unwrap()),
        _ => Ok(request.into_body().accept(())),
    });
    let layer = WebSocketUpgradeLayer::new(handshake, async |mut socket, ()| {
        let _ = socket.send("hello").await;
    });
    let mut wire = in_memory(layer.into_service());
    for path in ["/status", "/text", "/response", "/text"] {
        wire.send(head(path)).await;
        assert_eq!(wire.response().await.status(), StatusCode::GONE, "{path}");
    }
    let mut socket = wire.open("/").await;
    assert_eq!(soon(socket.next()).await.unwrap().unwrap().to_text().unwrap(), "hello");
}

#[tokio::test]
async fn text_as_an_error_is_500_and_only_logged() {
    for response in [answered(|| Err("secret")).await, answered(|| Err(String::from("secret"))).await] {
        assert_eq!((response.status(), response.body().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, ""));
    }
    let response = answered(|| Err((StatusCode::CONFLICT, String::from("taken")))).await;
    assert_eq!((response.status(), response.body().as_str()), (StatusCode::CONFLICT, "taken"));
}

#[tokio::test]
async fn question_mark_accepts_text_and_responses() {
    fn look_up(path: &str) -> Result<(), &str> {
        if path == "/" { Ok(()) } else { Err(&path[1..]) }
    }
    let handshake = service_fn(async |request: Request<Handshake>| {
        look_up(request.uri().path()).map_err(|name| (StatusCode::NOT_FOUND, name))?;
        let query = request.uri().query();
        query.ok_or_else(|| {
            Response::builder().status(400).body(axum::body::Body::from("no query")).unwrap()
        })?;
        query.filter(|query| query.len() < 3).ok_or(String::from("too long"))?;
        query.filter(|query| query.len() < 2).ok_or("too long")?;
        Ok::<_, Rejection>(request.into_body().accept(()))
    });
    let service = WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).into_service();
    for (path, status, body) in [
        ("/lobby", 404, "lobby"),
        ("/", 400, "no query"),
        ("/?abc", 500, ""),
        ("/?ab", 500, ""),
        ("/?a", 101, ""),
    ] {
        let response = answer(service.clone(), upgradable(upgrade(path).body(()).unwrap())).await;
        assert_eq!((response.status().as_u16(), response.body().as_str()), (status, body), "{path}");
    }
}

/// Works without a feature: the rejections of axum's extractors are responses.
#[tokio::test]
async fn axums_rejections_reject_as_responses() {
    let handshake = service_fn(async |request: Request<Handshake>| {
        let (mut parts, handshake) = request.into_parts();
        let Query(id) =
            Query::<Id>::from_request_parts(&mut parts, &()).await.map_err(IntoResponse::into_response)?;
        Ok::<_, Rejection>(handshake.accept(id))
    });
    let service = WebSocketUpgradeLayer::new(handshake, async |_, _| {}).into_service();
    for (path, status, text) in [("/?id=1", 101, ""), ("/?id=x", 400, "Failed to deserialize query string")] {
        let response = answer(service.clone(), upgradable(upgrade(path).body(()).unwrap())).await;
        assert_eq!(response.status(), status, "{path}");
        assert!(response.body().starts_with(text), "{:?}", response.body());
    }
}

#[derive(serde::Deserialize)]
struct Id {
    #[allow(dead_code, reason = "only its form counts")]
    id: u8,
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axums_rejections_reject_with_the_question_mark() {
    use axum::{Extension, extract::Path};

    let handshake = service_fn(async |request: Request<Handshake>| {
        let (mut parts, handshake) = request.into_parts();
        let Query(id) = Query::<Id>::from_request_parts(&mut parts, &()).await?;
        if id.id > 1 {
            Path::<u8>::from_request_parts(&mut parts, &()).await?;
        }
        if id.id > 0 {
            let _ = Extension::<Arc<Notify>>::from_request_parts(&mut parts, &()).await?;
        }
        Ok::<_, Rejection>(handshake.accept(id))
    });
    let service = WebSocketUpgradeLayer::new(handshake, async |_, _| {}).into_service();
    for (path, status, text) in [
        ("/?id=0", 101, ""),
        ("/?id=x", 400, "Failed to deserialize query string"),
        ("/?id=1", 500, "Missing request extension"),
        ("/?id=2", 500, "No paths parameters found"),
    ] {
        let response = answer(service.clone(), upgradable(upgrade(path).body(()).unwrap())).await;
        assert_eq!(response.status(), status, "{path}");
        assert!(response.body().starts_with(text), "{:?}", response.body());
    }
    let error = Query::<Id>::try_from_uri(&"/?id=x".parse().unwrap()).err().unwrap();
    let source = Rejection::from(error);
    assert!(
        std::error::Error::source(&source).unwrap().to_string().starts_with("Failed to deserialize query")
    );
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn handshake_service_may_return_axums_result() {
    async fn handshake(request: Request<Handshake>) -> axum::response::Result<Response<Id>> {
        let (mut parts, handshake) = request.into_parts();
        let Query(id) = Query::<Id>::from_request_parts(&mut parts, &()).await?;
        if id.id == 0 {
            return Err((StatusCode::CONFLICT, "taken").into());
        }
        if id.id == 7 {
            return Err(Rejection::from(StatusCode::GONE).into());
        }
        Ok(handshake.accept(id))
    }
    let service = WebSocketUpgradeLayer::new(service_fn(handshake), async |_, _: Id| {}).into_service();
    for (path, status, text) in [
        ("/?id=1", 101, ""),
        ("/?id=x", 400, "Failed to deserialize query string"),
        ("/?id=0", 409, "taken"),
        ("/?id=7", 410, ""),
    ] {
        let response = answer(service.clone(), upgradable(upgrade(path).body(()).unwrap())).await;
        assert_eq!(response.status(), status, "{path}");
        assert!(response.body().starts_with(text), "{:?}", response.body());
    }
}

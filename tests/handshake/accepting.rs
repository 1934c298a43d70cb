//! What a handshake service can change when it accepts: headers, a subprotocol, a value for the
//! handler.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Extension, Router,
    extract::{FromRequestParts, MatchedPath, Path},
};
use futures_util::StreamExt;
use http::{Request, Response, StatusCode};
use tower::service_fn;
use tower_websocket::{Handshake, HandshakeService, Rejection, WebSocketUpgradeLayer};

use crate::{
    request::{answer, answer_upgrade, upgradable, upgrade, upgrade_without},
    server::in_memory,
    wire::soon,
};

const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Returns the response that the client gets if the handshake service applies `change`.
async fn answered(
    change: impl Fn(Handshake) -> Response<()> + Clone + Send + Sync + 'static,
) -> Response<String> {
    let handshake = service_fn(move |request: Request<Handshake>| {
        std::future::ready(Ok::<_, Rejection>(change(request.into_body())))
    });
    answer_upgrade(WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).into_service()).await
}

#[track_caller]
fn assert_upgrades(response: &Response<String>) {
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["connection"], "Upgrade");
    assert_eq!(response.headers()["upgrade"], "websocket");
    assert_eq!(response.headers().get_all("sec-websocket-accept").iter().collect::<Vec<_>>(), [ACCEPT]);
    assert_eq!(response.body(), "");
}

#[tokio::test]
async fn prebuilt_response_is_ready_to_return() {
    let response = answered(|handshake| {
        assert_eq!(handshake.response().status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(handshake.response().headers()["sec-websocket-accept"], ACCEPT);
        assert_eq!(handshake.offered_protocols().collect::<Vec<_>>(), ["chat", "superchat"]);
        handshake.accept(())
    })
    .await;
    assert_upgrades(&response);
    assert_eq!(response.headers().len(), 3);
}

#[tokio::test]
async fn any_header_can_be_set() {
    let response = answered(|mut handshake| {
        let headers = handshake.response_mut().headers_mut();
        headers.insert("server", "own".parse().unwrap());
        headers.append("set-cookie", "a=1; HttpOnly".parse().unwrap());
        headers.append("set-cookie", "b=2".parse().unwrap());
        handshake.accept(())
    })
    .await;
    assert_upgrades(&response);
    assert_eq!(response.headers()["server"], "own");
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1; HttpOnly", "b=2"]);
}

#[tokio::test]
async fn new_response_gets_the_headers_of_an_upgrade() {
    let response = answered(|_| {
        let response = Response::builder().status(101).header("x-own", "1").header("connection", "close");
        response.header("sec-websocket-accept", "wrong").header("content-length", "5").body(()).unwrap()
    })
    .await;
    assert_upgrades(&response);
    assert_eq!(response.headers()["x-own"], "1");
    assert!(!response.headers().contains_key("content-length"));
}

#[tokio::test]
async fn server_preference_selects_the_subprotocol() {
    let cases: [(&[&str], Option<&str>); 4] = [
        (&["superchat", "chat"], Some("superchat")),
        (&["other", "chat"], Some("chat")),
        (&["other"], None),
        (&[], None),
    ];
    for (preferred, expected) in cases {
        let response = answered(move |mut handshake| {
            assert_eq!(handshake.select_protocol(preferred), expected);
            handshake.accept(())
        })
        .await;
        assert_upgrades(&response);
        let sent = response.headers().get("sec-websocket-protocol").map(|value| value.to_str().unwrap());
        assert_eq!(sent, expected);
    }
}

#[tokio::test]
async fn only_offered_subprotocols_are_sent() {
    for (name, value) in [
        ("sec-websocket-protocol", "not-offered"),
        ("sec-websocket-protocol", "chat, superchat"),
        ("sec-websocket-extensions", "permessage-deflate"),
    ] {
        let response = answered(move |mut handshake| {
            handshake.response_mut().headers_mut().insert(name, value.parse().unwrap());
            handshake.accept(())
        })
        .await;
        assert_upgrades(&response);
        assert!(!response.headers().contains_key(name), "{name}: {value}");
    }
}

#[tokio::test]
async fn handshake_service_can_require_a_subprotocol() {
    let handshake = service_fn(async |request: Request<Handshake>| {
        let mut handshake = request.into_body();
        if handshake.select_protocol(["chat"]).is_none() {
            return Err(Rejection::from((StatusCode::BAD_REQUEST, "it speaks chat only")));
        }
        Ok(handshake.accept(()))
    });
    let service = WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).into_service();
    assert_eq!(answer_upgrade(service.clone()).await.headers()["sec-websocket-protocol"], "chat");
    let without = upgrade_without("/", &["Sec-WebSocket-Protocol"]).body(()).unwrap();
    assert_eq!(answer(service, upgradable(without)).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn value_of_any_type_reaches_the_handler() {
    // Neither `Clone` nor `Sync`.
    type Extra = Box<dyn FnOnce(&str) -> String + Send>;
    let handshake = service_fn(async |request: Request<Handshake>| {
        let path = request.uri().path().to_owned();
        let extra: Extra = Box::new(move |word| format!("{word} from {path}"));
        Ok::<_, Rejection>(request.into_body().accept(extra))
    });
    let layer = WebSocketUpgradeLayer::new(handshake, async |mut socket, extra: Extra| {
        let _ = socket.send(extra("hello")).await;
    });
    let mut socket = in_memory(layer.into_service()).open("/there").await;
    assert_eq!(soon(socket.next()).await.unwrap().unwrap().to_text().unwrap(), "hello from /there");
}

#[tokio::test]
async fn handshake_service_is_called_once_for_each_request() {
    let calls = Arc::new(AtomicUsize::new(0));
    let handshake = {
        let calls = Arc::clone(&calls);
        service_fn(move |request: Request<Handshake>| {
            calls.fetch_add(1, Ordering::Relaxed);
            async move { Ok::<_, Rejection>(request.into_body().accept(())) }
        })
    };
    let service = WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).into_service();
    for expected in 1..=3 {
        assert_upgrades(&answer_upgrade(service.clone()).await);
        assert_eq!(calls.load(Ordering::Relaxed), expected);
    }
}

#[tokio::test]
async fn whole_request_head_is_visible() {
    let handshake = service_fn(async |request: Request<Handshake>| {
        assert_eq!(request.method(), "GET");
        assert_eq!(request.version(), http::Version::HTTP_11);
        assert_eq!(request.uri(), "/chat?room=1");
        assert_eq!(request.headers()["host"], "server.example.com");
        assert_eq!(request.headers()["sec-websocket-key"], "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(request.headers().get_all("cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
        Ok::<_, Rejection>(request.into_body().accept(()))
    });
    let request = upgrade("/chat?room=1").header("cookie", "a=1").header("cookie", "b=2");
    let service = WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).into_service();
    assert_upgrades(&answer(service, upgradable(request.body(()).unwrap())).await);
}

#[tokio::test]
async fn extensions_of_outer_layers_are_visible() {
    #[derive(Clone)]
    struct User(&'static str);
    fn layer() -> impl HandshakeService<Extra = ()> {
        service_fn(async |request: Request<Handshake>| {
            let (mut parts, handshake) = request.into_parts();
            let Path((room, id)) = Path::<(String, u8)>::from_request_parts(&mut parts, &()).await.unwrap();
            let route = parts.extensions.get::<MatchedPath>().unwrap().as_str().to_owned();
            let User(user) = parts.extensions.get::<User>().unwrap();
            let seen = format!("{user} {room} {id} {route}");
            let mut response = handshake.accept(());
            response.headers_mut().insert("x-seen", seen.parse().unwrap());
            Ok::<_, Rejection>(response)
        })
    }
    let app: Router = Router::new()
        .route_service("/{room}/{id}", WebSocketUpgradeLayer::new(layer(), async |_, ()| {}).into_service())
        .layer(Extension(User("me")));
    let request = upgradable(upgrade("/lobby/7").body(axum::body::Body::empty()).unwrap());
    let response = answer(app, request).await;
    assert_upgrades(&response);
    assert_eq!(response.headers()["x-seen"], "me lobby 7 /{room}/{id}");
}

//! `Config::allow_host`, which protects against pages whose name was made to point at this server
//! (DNS rebinding).

use http::{Request, StatusCode};
use tokio::io::duplex;
use tower_websocket::{AcceptAll, Acceptor, AllowHost, AllowOrigin, Config, WebSocketUpgradeLayer};

use crate::{
    request::{answer, upgradable, upgrade_without},
    wire::{Wire, head, soon},
};

const CASES: [(&str, Option<&str>, u16); 9] = [
    // A page at http://evil.example:8081, whose name now points at 127.0.0.1.
    ("evil.example:8081", Some("http://evil.example:8081"), 421),
    ("evil.example:8081", None, 421),
    ("localhost.evil.example", None, 421),
    ("127.0.0.2", None, 421),
    ("localhost:8081", Some("http://evil.example:8081"), 403),
    ("localhost:8081", Some("http://localhost:8081"), 101),
    ("LOCALHOST:8081", None, 101),
    ("127.0.0.1:8081", Some("http://127.0.0.1:8081"), 101),
    ("[::1]:8081", Some("http://[::1]:8081"), 101),
];

fn config() -> Config {
    Config::new().allow_host(AllowHost::list(["localhost", "127.0.0.1", "[::1]"]).unwrap())
}

#[tokio::test]
async fn only_the_servers_own_hosts_are_accepted() {
    for (host, origin, status) in CASES {
        let request = upgrade_without("/", &["Host"]).header("host", host);
        let request = origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
        let layer = WebSocketUpgradeLayer::new(AcceptAll, async |_, ()| {}).with_config(config());
        let response = answer(layer.into_service(), upgradable(request.body(()).unwrap())).await;
        assert_eq!(response.status(), status, "{host} {origin:?}");
        if status == 421 {
            let text = format!("the host {host:?} is not allowed, see Config::allow_host\n");
            assert_eq!(*response.body(), text);
        }

        let (client, io) = duplex(4096);
        let mut wire = Wire::new(client);
        let origin_line = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
        wire.send(
            head("/").replace("Host: server.example.com\r\n", &format!("Host: {host}\r\n{origin_line}")),
        )
        .await;
        let accepted = soon(Acceptor::new(AcceptAll).with_config(config()).accept(io)).await;
        if let Err(error) = accepted {
            error.respond().await.unwrap();
        }
        assert_eq!(wire.response().await.status(), status, "{host} {origin:?}");
    }
}

#[tokio::test]
async fn rebound_page_has_the_same_origin_without_the_setting() {
    let layer = WebSocketUpgradeLayer::new(AcceptAll, async |_, ()| {});
    let request = upgrade_without("/", &["Host"]).header("host", "evil.example:8081");
    let request = request.header("origin", "http://evil.example:8081").body(()).unwrap();
    let response = answer(layer.into_service(), upgradable(request)).await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
}

#[tokio::test]
async fn ordinary_requests_reach_the_inner_service() {
    let layer = WebSocketUpgradeLayer::new(AcceptAll, async |_, ()| {}).with_config(config());
    let request = Request::get("/").header("host", "evil.example").body(()).unwrap();
    let response = answer(layer.into_service(), request).await;
    assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
}

#[tokio::test]
async fn lists_come_from_the_environment() {
    let origins = "https://example.com, https://*.example.com,file://".split(',').map(str::trim);
    AllowOrigin::list(origins).unwrap();
    let error = AllowOrigin::list("https://example.com,example.org".split(',')).unwrap_err();
    assert_eq!(error.entry(), "example.org");
    let error: Box<dyn std::error::Error + Send + Sync> = error.into();
    assert!(error.to_string().contains("\"example.org\""), "{error}");
}

#[cfg(feature = "http2")]
#[tokio::test]
async fn authority_is_checked_over_http_2() {
    use raw_client::http2::Client;

    use crate::over_http2::in_memory;

    let layer = WebSocketUpgradeLayer::new(AcceptAll, async |_, ()| {}).with_config(config());
    let client = in_memory(layer.into_service()).await;
    for (uri, status) in
        [("http://localhost:8081/", 200), ("http://evil.example:8081/", 421), ("http://[::1]/", 200)]
    {
        let sent = soon(client.send(Client::websocket(uri), false)).await;
        let (response, _) = soon(sent.response()).await.unwrap();
        assert_eq!(response.status(), status, "{uri}");
    }
}

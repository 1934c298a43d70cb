//! Tests clients that violate the protocol, in memory and in paused time.

use graphql::app;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower_websocket::testing::{Client, connect};

async fn open() -> Client {
    let request = Request::get("/graphql").header("sec-websocket-protocol", "graphql-transport-ws");
    let client = connect(app(), request).await.unwrap();
    assert_eq!(client.protocol(), Some("graphql-transport-ws"));
    client
}

/// Returns a client whose connection is acknowledged.
async fn connected() -> Client {
    let mut client = open().await;
    send(&mut client, json!({"type": "connection_init", "payload": {"token": "token-of-ada"}})).await;
    assert_eq!(receive(&mut client).await, json!({"type": "connection_ack"}));
    client
}

async fn send(client: &mut Client, message: Value) {
    client.send(message.to_string()).await.unwrap();
}

async fn receive(client: &mut Client) -> Value {
    serde_json::from_str(&client.recv_text().await).unwrap()
}

#[tokio::test(start_paused = true)]
async fn other_subprotocols_are_rejected() {
    // The last one is an older protocol.
    for offered in [None, Some("chat"), Some("graphql-ws")] {
        let request = Request::get("/graphql");
        let request = match offered {
            None => request,
            Some(offered) => request.header("sec-websocket-protocol", offered),
        };
        let rejected = connect(app(), request).await.unwrap_err();
        assert_eq!(rejected.status(), StatusCode::BAD_REQUEST);
        assert_eq!(&rejected.body()[..], b"the subprotocol must be graphql-transport-ws\n");
    }
}

#[tokio::test(start_paused = true)]
async fn client_without_connection_init_is_closed_after_3_seconds() {
    let (mut client, start) = (open().await, Instant::now());
    assert_eq!(client.closed().await, (4408, "Connection initialisation timeout".into()));
    assert_eq!(start.elapsed().as_secs(), 3);
    // A client that has sent `connection_init` is not closed.
    let (mut client, start) = (connected().await, Instant::now());
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    send(&mut client, json!({"type": "ping"})).await;
    assert_eq!(receive(&mut client).await, json!({"type": "pong"}));
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn wrong_first_messages_have_their_close_codes() {
    let subscribe = json!({"type": "subscribe", "id": "1", "payload": {"query": "{ me }"}});
    for (first, expected) in [
        (json!({"type": "connection_init"}), (4403, "Forbidden")),
        (json!({"type": "connection_init", "payload": {"token": "token-of-eve"}}), (4403, "Forbidden")),
        (json!({"type": "connection_init", "payload": {"token": 1}}), (4403, "Forbidden")),
        (subscribe, (4401, "Unauthorized")),
        (json!({"type": "shout"}), (4400, "Invalid message")),
        (json!("connection_init"), (4400, "Invalid message")),
    ] {
        let mut client = open().await;
        send(&mut client, first.clone()).await;
        let (code, reason) = client.closed().await;
        assert_eq!((code, &*reason), expected, "{first}");
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_later_messages_have_their_close_codes() {
    for (message, expected) in [
        (json!({"type": "connection_init"}), 4429),
        (json!({"type": "shout"}), 4400),
        (json!({"type": "subscribe", "id": "1"}), 4400),
    ] {
        let mut client = connected().await;
        send(&mut client, message.clone()).await;
        assert_eq!(client.closed().await.0, expected, "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn stalled_subscriber_does_not_delay_others_and_gets_missed_messages() {
    let app = app();
    let mut clients = Vec::new();
    for _ in 0..3 {
        let request = Request::get("/graphql").header("sec-websocket-protocol", "graphql-transport-ws");
        let mut client = connect(app.clone(), request).await.unwrap();
        send(&mut client, json!({"type": "connection_init", "payload": {"token": "token-of-ada"}})).await;
        assert_eq!(receive(&mut client).await["type"], "connection_ack");
        clients.push(client);
    }
    let [speaker, reader, slow] = &mut clients[..] else { unreachable!() };
    let subscription = json!({"query": "subscription { messages { text } }"});
    for client in [&mut *reader, &mut *slow] {
        send(client, json!({"type": "subscribe", "id": "1", "payload": subscription})).await;
    }
    let text = "x".repeat(10_000);
    let query =
        json!({"query": "mutation ($text: String!) { say(text: $text) }", "variables": {"text": text}});
    // When a message has two subscribers, both subscriptions have begun.
    loop {
        send(speaker, json!({"type": "subscribe", "id": "0", "payload": query})).await;
        let told = receive(speaker).await["payload"]["data"]["say"].clone();
        assert_eq!(receive(speaker).await["type"], "complete");
        if told == 2 {
            break;
        }
    }
    // 20 MB, and 1,000 messages more than the server keeps.
    for _ in 0..2000 {
        send(speaker, json!({"type": "subscribe", "id": "2", "payload": query})).await;
        assert_eq!(receive(speaker).await["payload"]["data"]["say"], 2);
        assert_eq!(receive(speaker).await["type"], "complete");
        assert_eq!(receive(reader).await["payload"]["data"]["messages"]["text"], text);
    }
    let mut received = 0;
    let missed = loop {
        let payload = receive(slow).await["payload"].clone();
        match payload["errors"][0]["message"].as_str() {
            None => received += 1,
            Some(message) => break message.strip_suffix(" messages were left out").unwrap().parse().unwrap(),
        }
    };
    assert!((800..1100).contains(&missed), "{received} received, {missed} left out");
}

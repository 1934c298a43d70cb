//! Tests the room without a browser or a port: `cargo test --all-features --example chat`.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tower_websocket::{
    CloseCode, Message, Shutdown,
    testing::{Client, connect},
};

use crate::app;

async fn enter(app: &axum::Router, name: &str, key: &str) -> Client {
    connect(app.clone(), &*format!("/ws?name={name}&key={key}")).await.unwrap()
}

async fn say(client: &mut Client, id: &str, text: &str) {
    client.send_json(&json!({"type": "say", "id": id, "text": text})).await.unwrap();
}

/// Returns the next event without its time.
async fn event(client: &mut Client) -> Value {
    let mut event = client.recv_json::<Value>().await;
    for said in event.get_mut("history").and_then(Value::as_array_mut).into_iter().flatten() {
        said["at"].take();
    }
    event.get_mut("at").map(Value::take);
    event
}

fn said(id: &str, from: &str, text: &str) -> Value {
    json!({"type": "said", "id": id, "from": from, "text": text, "at": null})
}

#[tokio::test(start_paused = true)]
async fn new_member_gets_history_and_members() {
    let app = app(&Shutdown::new());
    let mut ada = enter(&app, "Ada", "1").await;
    assert_eq!(event(&mut ada).await, json!({"type": "welcome", "people": ["Ada"], "history": []}));
    assert_eq!(event(&mut ada).await, json!({"type": "joined", "name": "Ada"}));
    say(&mut ada, "a1", " hello ").await;
    assert_eq!(event(&mut ada).await, said("a1", "Ada", "hello"));

    let mut bob = enter(&app, "%20B%C3%B6b+", "2").await;
    let welcome = event(&mut bob).await;
    assert_eq!(welcome["people"], json!(["Ada", "Böb"]));
    assert_eq!(welcome["history"], json!([{"id": "a1", "from": "Ada", "text": "hello", "at": null}]));
    assert_eq!(event(&mut ada).await, json!({"type": "joined", "name": "Böb"}));
    assert_eq!(event(&mut bob).await, json!({"type": "joined", "name": "Böb"}));

    // A page repeats a message if it does not know whether it arrived. The repetition is ignored.
    say(&mut bob, "b1", "hi").await;
    say(&mut bob, "b1", "hi").await;
    say(&mut bob, "b2", "there").await;
    for client in [&mut ada, &mut bob] {
        assert_eq!(event(client).await, said("b1", "Böb", "hi"));
        assert_eq!(event(client).await, said("b2", "Böb", "there"));
    }
    assert_eq!(bob.close(CloseCode::NORMAL, "").await.0, 1000);
    assert_eq!(event(&mut ada).await, json!({"type": "left", "name": "Böb"}));
}

#[tokio::test(start_paused = true)]
async fn missing_or_taken_name_is_rejected() {
    let app = app(&Shutdown::new());
    let mut ada = enter(&app, "Ada", "1").await;
    for (query, status, told) in [
        ("", StatusCode::BAD_REQUEST, "the query must be ?name=NAME&key=KEY"),
        ("?name=Bob", StatusCode::BAD_REQUEST, "the query must be ?name=NAME&key=KEY"),
        ("?name=+&key=2", StatusCode::BAD_REQUEST, "a name is needed"),
        (
            &format!("?name={}&key=2", "x".repeat(25)),
            StatusCode::BAD_REQUEST,
            "a name has at most 24 characters",
        ),
        ("?name=Ada&key=2", StatusCode::CONFLICT, "somebody here has that name"),
    ] {
        // A WebSocket and a page that asks for the reason get the same answer.
        for connection in ["upgrade", "keep-alive"] {
            let request = http::Request::get(format!("/ws{query}")).header("connection", connection);
            let rejected = connect(app.clone(), request).await.unwrap_err();
            assert_eq!((rejected.status(), &rejected.body()[..]), (status, told.as_bytes()), "{query}");
        }
    }
    assert_eq!(ada.close(CloseCode::NORMAL, "").await.0, 1000);
    enter(&app, "Ada", "2").await;
}

#[tokio::test(start_paused = true)]
async fn reconnecting_page_replaces_its_lost_socket() {
    let app = app(&Shutdown::new());
    let mut bob = enter(&app, "Bob", "2").await;
    let mut lost = enter(&app, "Ada", "1").await;
    let mut ada = enter(&app, "Ada", "1").await;
    assert_eq!(lost.closed().await, (4000, "replaced".into()));
    assert_eq!(event(&mut ada).await["people"], json!(["Ada", "Bob"]));
    say(&mut ada, "a1", "back").await;
    assert_eq!(event(&mut ada).await, said("a1", "Ada", "back"));
    for expected in ["welcome", "joined", "joined", "said"] {
        assert_eq!(event(&mut bob).await["type"], expected);
    }
}

#[tokio::test(start_paused = true)]
async fn slow_member_is_closed_without_delaying_others() {
    let app = app(&Shutdown::new());
    let mut ada = enter(&app, "Ada", "1").await;
    let mut slow = enter(&app, "Slow", "2").await;
    let text = "x".repeat(4000);
    for expected in ["welcome", "joined", "joined"] {
        assert_eq!(event(&mut ada).await["type"], expected);
    }
    let mut heard = 0;
    loop {
        say(&mut ada, &heard.to_string(), &text).await;
        match event(&mut ada).await["type"].as_str() {
            Some("said") => heard += 1,
            Some("left") => break,
            other => panic!("{other:?}"),
        }
        tokio::time::advance(Duration::from_millis(100)).await;
        assert!(heard < 1000, "the slow one is still there");
    }
    let mut received = 0;
    while let Some(Ok(Message::Text(_))) = slow.recv().await {
        received += 1;
    }
    assert!(received < heard, "{received} of {heard}");
}

#[tokio::test(start_paused = true)]
async fn malformed_message_closes_with_the_reason() {
    let app = app(&Shutdown::new());
    for (message, code, reason) in [
        (
            Message::text("{\"type\":\"shout\"}"),
            1007,
            "unknown variant `shout`, expected `say` at line 1 column 15",
        ),
        (Message::binary(vec![1]), 1003, "JSON must be sent in text messages"),
        (Message::text("x".repeat(10_000)), 1009, ""),
    ] {
        let mut ada = enter(&app, "Ada", "1").await;
        ada.send(message).await.unwrap();
        assert_eq!(ada.closed().await, (code, reason.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_closes_with_1001_and_rejects_new_members() {
    let shutdown = Shutdown::new();
    let app = app(&shutdown);
    let mut ada = enter(&app, "Ada", "1").await;
    shutdown.start();
    assert_eq!(ada.closed().await.0, 1001);
    let rejected = connect(app, "/ws?name=Bob&key=2").await.unwrap_err();
    assert_eq!(rejected.status(), StatusCode::SERVICE_UNAVAILABLE);
    shutdown.idle().await;
}

/// A newcomer whose buffer the history filled was closed at once, and so was each of its next
/// sockets.
#[tokio::test(start_paused = true)]
async fn long_history_does_not_close_a_new_member() {
    let app = app(&Shutdown::new());
    let mut ada = enter(&app, "Ada", "1").await;
    event(&mut ada).await;
    event(&mut ada).await;
    for id in 0..30 {
        say(&mut ada, &id.to_string(), &"x".repeat(7000)).await;
        assert_eq!(event(&mut ada).await["type"], "said");
    }
    let mut bob = enter(&app, "Bob", "2").await;
    let welcome = event(&mut bob).await;
    let history = welcome["history"].as_array().unwrap();
    assert_eq!(history.last().unwrap()["id"], "29");
    assert!((2..30).contains(&history.len()), "{}", history.len());
    assert_eq!(event(&mut ada).await["type"], "joined");
    say(&mut bob, "b", "hello").await;
    assert_eq!(event(&mut ada).await["text"], "hello");
}

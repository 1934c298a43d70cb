//! Tests users, their sockets and questions, in memory and in paused time: `cargo test
//! --all-features --example push`.

use axum::{
    Router,
    body::{Body, to_bytes},
};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::util::ServiceExt;
use tower_websocket::{
    CloseCode, Message,
    testing::{Client, connect},
};

use crate::{ANSWER_TIMEOUT, app, users::Users};

/// Opens a socket of a user, and waits until it is registered.
async fn enter(app: &Router, user: &str) -> Client {
    let mut client = connect(app.clone(), &*format!("/users/{user}/ws")).await.unwrap();
    // The answer to an unknown question shows that the handler runs.
    client.send_json(&json!({"id": 0, "answer": null})).await.unwrap();
    client.send(Message::Ping("in".into())).await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap(), Message::Pong("in".into()));
    client
}

async fn post(app: &Router, path: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::post(path).header("content-type", "application/json");
    let response = app.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1024).await.unwrap();
    (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
}

/// Asks in a separate task.
fn ask(app: &Router, user: &str, question: &str) -> tokio::task::JoinHandle<(StatusCode, Value)> {
    let (app, path, question) = (app.clone(), format!("/users/{user}/questions"), json!(question));
    tokio::spawn(async move { post(&app, &path, question).await })
}

/// Returns the id of the next question.
async fn asked(client: &mut Client, question: &str) -> u64 {
    let received: Value = client.recv_json().await;
    let id = received["id"].as_u64().unwrap();
    assert_eq!(received, json!({"type": "question", "id": id, "question": question}));
    id
}

async fn answer(client: &mut Client, id: u64, answer: &str) {
    client.send_json(&json!({"id": id, "answer": answer})).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn event_reaches_every_socket_of_its_user_and_no_other() {
    let app = app(Users::default());
    let mut phone = enter(&app, "ada").await;
    let mut laptop = enter(&app, "ada").await;
    let mut other = enter(&app, "bob").await;
    for (user, event) in [("ada", "hello"), ("bob", "hi")] {
        let told = post(&app, &format!("/users/{user}/events"), json!(event)).await;
        assert_eq!(told, (StatusCode::ACCEPTED, Value::Null));
    }
    for (client, event) in [(&mut phone, "hello"), (&mut laptop, "hello"), (&mut other, "hi")] {
        assert_eq!(client.recv_json::<Value>().await, json!({"type": "event", "event": event}));
        assert_eq!(client.close(CloseCode::NORMAL, "").await.0, 1000);
    }
}

#[tokio::test(start_paused = true)]
async fn ended_socket_leaves_the_registry() {
    let app = app(Users::default());
    let event = async || post(&app, "/users/ada/events", json!(1)).await.0;
    assert_eq!(event().await, StatusCode::NOT_FOUND);
    let mut phone = enter(&app, "ada").await;
    let laptop = enter(&app, "ada").await;
    assert_eq!(phone.close(CloseCode::NORMAL, "").await.0, 1000);
    assert_eq!(event().await, StatusCode::ACCEPTED);
    // A client that crashes.
    drop(laptop);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(event().await, StatusCode::NOT_FOUND);
    let question = post(&app, "/users/ada/questions", json!(1)).await;
    assert_eq!(question, (StatusCode::NOT_FOUND, Value::Null));
}

#[tokio::test(start_paused = true)]
async fn first_answer_of_any_socket_is_used() {
    let app = app(Users::default());
    let mut phone = enter(&app, "ada").await;
    let mut laptop = enter(&app, "ada").await;
    let [first, second] = ["coffee?", "tea?"].map(|question| ask(&app, "ada", question));
    let mut ids = [0; 2];
    for client in [&mut phone, &mut laptop] {
        ids = [asked(client, "coffee?").await, asked(client, "tea?").await];
    }
    // Answers may arrive in any order. A later answer is ignored.
    answer(&mut laptop, ids[1], "yes").await;
    assert_eq!(second.await.unwrap(), (StatusCode::OK, json!("yes")));
    answer(&mut phone, ids[1], "no").await;
    answer(&mut phone, ids[0], "never").await;
    assert_eq!(first.await.unwrap(), (StatusCode::OK, json!("never")));
}

#[tokio::test(start_paused = true)]
async fn question_without_an_answer_times_out() {
    let app = app(Users::default());
    let mut ada = enter(&app, "ada").await;
    let start = Instant::now();
    let question = ask(&app, "ada", "coffee?");
    let id = asked(&mut ada, "coffee?").await;
    assert_eq!(question.await.unwrap(), (StatusCode::GATEWAY_TIMEOUT, Value::Null));
    assert_eq!(start.elapsed().as_secs(), ANSWER_TIMEOUT.as_secs());
    // An answer that arrives later does not answer the next question.
    let question = ask(&app, "ada", "tea?");
    let next = asked(&mut ada, "tea?").await;
    answer(&mut ada, id, "late").await;
    answer(&mut ada, next, "yes").await;
    assert_eq!(question.await.unwrap(), (StatusCode::OK, json!("yes")));
}

#[tokio::test(start_paused = true)]
async fn answers_to_unknown_questions_are_ignored() {
    let app = app(Users::default());
    let mut ada = enter(&app, "ada").await;
    let mut eve = enter(&app, "eve").await;
    let question = ask(&app, "ada", "coffee?");
    let id = asked(&mut ada, "coffee?").await;
    answer(&mut ada, id + 1, "unknown").await;
    // Another user has guessed the id.
    answer(&mut eve, id, "forged").await;
    assert_eq!(eve.close(CloseCode::NORMAL, "").await.0, 1000);
    answer(&mut ada, id, "yes").await;
    assert_eq!(question.await.unwrap(), (StatusCode::OK, json!("yes")));
}

#[tokio::test(start_paused = true)]
async fn question_ends_with_the_last_socket_of_its_user() {
    let app = app(Users::default());
    let mut phone = enter(&app, "ada").await;
    let mut laptop = enter(&app, "ada").await;
    let start = Instant::now();
    let question = ask(&app, "ada", "coffee?");
    for client in [&mut phone, &mut laptop] {
        asked(client, "coffee?").await;
        assert!(!question.is_finished());
        client.close(CloseCode::NORMAL, "").await;
    }
    assert_eq!(question.await.unwrap(), (StatusCode::NOT_FOUND, Value::Null));
    assert_eq!(start.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn stalled_socket_is_closed_without_delaying_others() {
    let app = app(Users::default());
    let mut slow = enter(&app, "ada").await;
    let mut other = enter(&app, "ada").await;
    let event = json!("x".repeat(4000));
    // This is more than the memory stream and the write buffer hold together.
    for _ in 0..200 {
        assert_eq!(post(&app, "/users/ada/events", event.clone()).await.0, StatusCode::ACCEPTED);
        assert_eq!(other.recv_json::<Value>().await["event"], event);
    }
    let mut received = 0;
    let code = loop {
        match slow.recv().await.unwrap().unwrap() {
            Message::Text(_) => received += 1,
            Message::Close(frame) => break frame.unwrap().code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(u16::from(code), 1013);
    assert!((10..200).contains(&received), "{received}");
}

#[tokio::test(start_paused = true)]
async fn malformed_answer_closes_the_socket() {
    let app = app(Users::default());
    for (message, code) in [(Message::text("yes"), 1007), (Message::binary(vec![1]), 1003)] {
        let mut ada = enter(&app, "ada").await;
        ada.send(message).await.unwrap();
        assert_eq!(ada.closed().await.0, code);
    }
}

//! The feature `json`.

use std::{collections::HashMap, error::Error, time::Duration};

use raw_client::whole::{BINARY, PING, PONG, TEXT};
use serde::{Deserialize, Serialize, Serializer};
use tokio::{sync::oneshot, time::timeout};
use tower_websocket::{
    CloseCode, Config,
    json::{RecvJsonError, SendJsonError},
};

use crate::{
    pair::{Socket, drive},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    values_are_sent_and_received_as_text_messages,
    malformed_message_is_one_error_and_the_next_is_received,
    deeply_nested_message_is_an_error,
    caller_may_close_with_the_error,
    pings_and_pongs_are_skipped,
    broken_connection_is_one_error_and_then_the_end,
    dropped_recv_json_loses_nothing,
    unserializable_value_is_not_sent_and_the_connection_continues,
    halves_send_and_receive_json_too,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Point {
    x: i32,
    y: Option<String>,
}

/// Answers each point with a point, and each error with its text.
async fn mirror<T: Transport>(mut socket: Socket<T>) {
    while let Some(point) = socket.recv_json::<Point>().await {
        match point {
            Ok(Point { x, y }) => socket.send_json(&Point { x: -x, y }).await.unwrap(),
            Err(RecvJsonError::Socket(_)) => break,
            Err(error) => {
                let told = (error.to_string(), error.close_code().unwrap().as_u16());
                socket.send_json(&told).await.unwrap();
            }
        }
    }
}

async fn values_are_sent_and_received_as_text_messages<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), mirror::<T>).await;
    pair.text(r#"{"x": 1, "y": "é\n"}"#).await;
    assert_eq!(pair.recv_text().await, r#"{"x":-1,"y":"é\n"}"#);
    pair.text("\t{\"x\":2}\r\n").await;
    assert_eq!(pair.recv_text().await, r#"{"x":-2,"y":null}"#);
    pair.send_close(1000, "").await;
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.finish().await;
}

async fn malformed_message_is_one_error_and_the_next_is_received<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), mirror::<T>).await;
    let not_json = "the message is not the expected JSON, line";
    for (first, payload, told, code) in [
        (TEXT, r#"{"x": 1,"#, format!("{not_json} 1 column 8"), 1007),
        (TEXT, "", format!("{not_json} 1 column 0"), 1007),
        (TEXT, "{\n\"x\": true}", format!("{not_json} 2 column 9"), 1007),
        (TEXT, "{\"x\": 1} {\"x\": 2}", format!("{not_json} 1 column 10"), 1007),
        (TEXT, "{\"x\": 5000000000}", format!("{not_json} 1 column 16"), 1007),
        (BINARY, "{\"x\": 1}", "the message is binary, JSON must be sent in text messages".into(), 1003),
    ] {
        pair.send(first, payload).await;
        let answer: (String, u16) = serde_json::from_str(&pair.recv_text().await).unwrap();
        assert_eq!(answer, (told, code));
        pair.text("{\"x\": 3}").await;
        assert_eq!(pair.recv_text().await, r#"{"x":-3,"y":null}"#);
    }
    pair.send_close(1000, "").await;
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.finish().await;
}

async fn deeply_nested_message_is_an_error<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        let error = socket.recv_json::<serde_json::Value>().await.unwrap().unwrap_err();
        socket.close(error.close_code().unwrap(), error.close_reason()).await.unwrap();
    })
    .await;
    pair.text(&"[".repeat(1_000_000)).await;
    assert_eq!(pair.recv_close().await, (1007, "recursion limit exceeded at line 1 column 128".into()));
    pair.send_close(1007, "").await;
    pair.eof().await;
    pair.finish().await;
}

/// The application closes on a malformed message, with the reason.
async fn strict<T: Transport>(mut socket: Socket<T>) {
    while let Some(Err(error)) = socket.recv_json::<Vec<u32>>().await {
        let code = error.close_code().unwrap();
        socket.close(code, error.close_reason()).await.unwrap();
    }
}

async fn caller_may_close_with_the_error<T: Transport>() {
    let long = format!("[\"{}\"]", "é".repeat(100));
    for (first, payload, code, reason) in [
        (TEXT, "[1, -2]", 1007, "invalid value: integer `-2`, expected u32 at line 1 column 6"),
        (BINARY, "[1]", 1003, "JSON must be sent in text messages"),
        (TEXT, long.as_str(), 1007, &format!("invalid type: string \"{}", "é".repeat(50))),
    ] {
        let mut pair = drive::<T, _>(Config::new(), strict::<T>).await;
        pair.send(first, payload).await;
        assert_eq!(pair.recv_close().await, (code, reason.to_owned()));
        pair.send_close(code, "").await;
        pair.eof().await;
        pair.finish().await;
    }
}

async fn pings_and_pongs_are_skipped<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), mirror::<T>).await;
    pair.send(PONG, "").await;
    pair.send(PING, "p").await;
    assert_eq!(pair.recv().await, (PONG, b"p".to_vec()));
    pair.text("{\"x\": 4}").await;
    assert_eq!(pair.recv_text().await, r#"{"x":-4,"y":null}"#);
    pair.send_close(1000, "").await;
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.finish().await;
}

async fn broken_connection_is_one_error_and_then_the_end<T: Transport>() {
    let (told, error) = oneshot::channel();
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        let Some(Err(error)) = socket.recv_json::<u32>().await else { panic!("no error") };
        assert!(socket.recv_json::<u32>().await.is_none());
        told.send(error).unwrap();
    })
    .await;
    pair.send(TEXT | 0x40, "1").await;
    assert_eq!(pair.recv_close().await.0, 1002);
    pair.send_close(1002, "").await;
    pair.eof().await;
    let error = error.await.unwrap();
    assert!(matches!(error, RecvJsonError::Socket(_)), "{error:?}");
    assert_eq!((error.close_code(), error.close_reason().as_str()), (None, ""));
    assert!(error.source().is_some());
    pair.finish().await;
}

async fn dropped_recv_json_loses_nothing<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        loop {
            // A ping makes it loop, half of a message makes it wait.
            match timeout(Duration::from_millis(1), socket.recv_json::<u32>()).await {
                Ok(Some(number)) => socket.send_json(&number.unwrap()).await.unwrap(),
                Ok(None) => break,
                Err(_) => {}
            }
        }
    })
    .await;
    pair.send(TEXT & !0x80, "1").await;
    for _ in 0..3 {
        tokio::time::advance(Duration::from_millis(2)).await;
        pair.send(PING, "").await;
        assert_eq!(pair.recv().await.0, PONG);
    }
    pair.send(0x80, "2").await;
    assert_eq!(pair.recv_text().await, "12");
    pair.send_close(1000, "").await;
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.finish().await;
}

async fn unserializable_value_is_not_sent_and_the_connection_continues<T: Transport>() {
    struct Failing;
    impl Serialize for Failing {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not today"))
        }
    }
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        let keyless = HashMap::from([((1, 2), 3)]);
        for error in
            [socket.send_json(&keyless).await.unwrap_err(), socket.send_json(&Failing).await.unwrap_err()]
        {
            assert!(matches!(error, SendJsonError::Unserializable(_)), "{error:?}");
        }
        socket.send_json("still here").await.unwrap();
        socket.close(CloseCode::NORMAL, "").await.unwrap();
        let error = socket.send_json(&1).await.unwrap_err();
        assert!(matches!(error, SendJsonError::Socket(_)), "{error:?}");
    })
    .await;
    assert_eq!(pair.recv_text().await, "\"still here\"");
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn halves_send_and_receive_json_too<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |socket: Socket<T>| {
        let (sender, mut receiver) = socket.split();
        while let Some(number) = receiver.recv_json::<u32>().await {
            match number {
                Ok(number) => sender.clone().send_json(&[number]).await.unwrap(),
                Err(error) => sender.close(error.close_code().unwrap(), error.close_reason()),
            }
        }
    })
    .await;
    pair.text("7").await;
    assert_eq!(pair.recv_text().await, "[7]");
    pair.text("seven").await;
    assert_eq!(pair.recv_close().await, (1007, "expected value at line 1 column 1".into()));
    pair.send_close(1007, "").await;
    pair.eof().await;
    pair.finish().await;
}

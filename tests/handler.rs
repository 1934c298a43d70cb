//! The types of handlers that a layer accepts, and the effects of their return values.
#![cfg(feature = "testing")]

use std::{error::Error as StdError, future::Future, time::Duration};

use futures_util::SinkExt;
use tokio::sync::mpsc;
use tower_websocket::{
    AcceptAll, CloseCode, Error, Message, Receiver, WebSocket, WebSocketUpgradeLayer,
    testing::{Client, connect},
    upgrade::HandlerOutput,
};

/// Returns the client of a handler.
async fn client<F, Fut>(handler: F) -> Client
where
    F: Fn(WebSocket) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: HandlerOutput> + Send + 'static,
{
    connect(WebSocketUpgradeLayer::accept_all(handler).into_service(), "/").await.unwrap()
}

async fn echo(mut socket: WebSocket) -> Result<(), Error> {
    while let Some(message) = socket.recv_data().await {
        socket.send(message?).await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn accept_all_takes_a_function_of_the_socket_alone() {
    let mut client = client(echo).await;
    client.send("hello").await.unwrap();
    assert_eq!(client.recv_text().await, "hello");
    assert_eq!(client.close(CloseCode::NORMAL, "").await, (1000, String::new()));
}

#[tokio::test(start_paused = true)]
async fn recv_data_skips_control_frames_and_ends_like_recv() {
    let (tell, mut told) = mpsc::unbounded_channel();
    for is_split in [false, true] {
        let tell = tell.clone();
        let mut client = client(move |mut socket| {
            let tell = tell.clone();
            async move {
                let mut received = Vec::new();
                if is_split {
                    let (_sender, mut receiver) = socket.split();
                    while let Some(message) = receiver.recv_data().await {
                        received.push(message.unwrap());
                    }
                } else {
                    while let Some(message) = socket.recv_data().await {
                        received.push(message.unwrap());
                    }
                }
                tell.send(received).unwrap();
            }
        })
        .await;
        client.send(Message::Ping("ping".into())).await.unwrap();
        client.send("text").await.unwrap();
        client.send(Message::Pong("pong".into())).await.unwrap();
        client.send(Message::binary("binary")).await.unwrap();
        assert_eq!(client.close(CloseCode::NORMAL, "").await.0, 1000);
        assert_eq!(told.recv().await.unwrap(), [Message::text("text"), Message::binary("binary")]);
    }
}

#[tokio::test(start_paused = true)]
async fn recv_data_returns_errors() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let client = client(move |mut socket| {
        let tell = tell.clone();
        async move {
            let received = socket.recv_data().await;
            tell.send((received.unwrap().unwrap_err().to_string(), socket.recv_data().await.is_none()))
                .unwrap();
        }
    })
    .await;
    drop(client);
    assert_eq!(
        told.recv().await.unwrap(),
        ("WebSocket protocol error: Connection reset without closing handshake".to_owned(), true)
    );
}

/// The socket is dropped before the handler's future returns an error, whose code must replace the
/// Close 1000.
#[tokio::test(start_paused = true)]
async fn error_closes_with_1011_after_sent_messages_and_without_its_text() {
    async fn fail(mut socket: WebSocket) -> Result<(), Box<dyn StdError + Send + Sync>> {
        socket.send("before").await?;
        Err("a secret".into())
    }
    async fn fail_in_halves(socket: WebSocket) -> Result<(), String> {
        let (sender, _receiver) = socket.split();
        sender.send("before").await.map_err(|error| error.to_string())?;
        Err("a secret".to_owned())
    }
    for mut client in [client(fail).await, client(fail_in_halves).await] {
        assert_eq!(client.recv_text().await, "before");
        assert_eq!(client.closed().await, (1011, String::new()));
    }
}

#[tokio::test(start_paused = true)]
async fn error_type_need_not_be_send() {
    let mut client =
        client(async |_socket: WebSocket| -> Result<(), Box<dyn StdError>> { Err("no".into()) }).await;
    assert_eq!(client.closed().await.0, 1011);
}

#[tokio::test(start_paused = true)]
async fn error_closes_a_moved_socket_and_is_its_end() {
    let (give, mut given) = mpsc::unbounded_channel::<Receiver>();
    let mut client = client(move |socket| {
        let give = give.clone();
        async move {
            let (_sender, receiver) = socket.split();
            give.send(receiver).unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
            Err::<(), _>("the table is locked")
        }
    })
    .await;
    let mut receiver = given.recv().await.unwrap();
    assert!(receiver.close_info().is_none());
    let closed = client.closed();
    let received = async { while receiver.recv().await.is_some() {} };
    assert_eq!(tokio::join!(closed, received).0, (1011, String::new()));
    let info = receiver.close_info().unwrap();
    assert_eq!(info.error(), Some("the table is locked"));
    assert_eq!(u16::from(info.sent().unwrap().code), 1011);
}

#[tokio::test(start_paused = true)]
async fn error_does_not_change_an_earlier_close() {
    async fn closes(mut socket: WebSocket) -> Result<(), &'static str> {
        let (code, reason) = (CloseCode::application(4001), "enough");
        socket.close(code, reason).await.map_err(|_| "it cannot be closed")?;
        Err("late")
    }
    async fn closes_as_a_sink(mut socket: WebSocket) -> Result<(), &'static str> {
        SinkExt::close(&mut socket).await.map_err(|_| "it cannot be closed")?;
        Err("late")
    }
    async fn drops(socket: WebSocket) -> Result<(), &'static str> {
        drop(socket);
        // The Close is sent.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Err("late")
    }
    for (mut client, expected) in [
        (client(closes).await, (4001, "enough")),
        (client(closes_as_a_sink).await, (1000, "")),
        (client(drops).await, (1000, "")),
    ] {
        let (code, reason) = client.closed().await;
        assert_eq!((code, &*reason), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn send_error_after_the_peers_close_changes_nothing() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut client = client(move |mut socket| {
        let tell = tell.clone();
        async move {
            socket.closed().await;
            let sent = socket.send("too late").await;
            tell.send((sent.is_err(), socket.close_info().unwrap())).unwrap();
            sent
        }
    })
    .await;
    assert_eq!(client.close(CloseCode::application(4002), "bye").await, (4002, "bye".into()));
    let (is_err, info) = told.recv().await.unwrap();
    assert!(is_err && info.is_clean());
    assert_eq!((info.code(), info.error(), info.sent()), (4002, None, None));
}

#[tokio::test(start_paused = true)]
async fn socket_closes_with_1000_without_an_error() {
    for mut client in [
        client(async |_socket: WebSocket| {}).await,
        client(async |_socket: WebSocket| Ok::<(), String>(())).await,
    ] {
        assert_eq!(client.closed().await.0, 1000);
    }
}

#[tokio::test(start_paused = true)]
async fn handler_with_a_value_may_fail() {
    let layer = WebSocketUpgradeLayer::new(AcceptAll, async |_socket, ()| Err::<(), _>("no"));
    let mut client = connect(layer.into_service(), "/").await.unwrap();
    assert_eq!(client.closed().await.0, 1011);
}

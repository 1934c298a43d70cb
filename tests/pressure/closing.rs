//! Slow receivers while the connection closes.

use std::time::Duration;

use raw_client::{
    frame, read_frame,
    whole::{BINARY, CLOSE},
};
use tokio::{io::AsyncWriteExt, time::sleep};
use tower_websocket::{CloseCode, Config, Message, Shutdown};

use crate::piped;

/// After this side's Close, the application receives what the peer sent before its answer, even if
/// it takes longer than the close timeout.
#[tokio::test(start_paused = true)]
async fn slow_receiver_receives_everything_before_the_answer() {
    for is_shutdown in [false, true] {
        let shutdown = Shutdown::new();
        let (mut client, socket) = piped(Config::new().with_shutdown(&shutdown), 1 << 20).await;
        for _ in 0..75 {
            client.write_all(&frame(BINARY, &[7; 4000])).await.unwrap();
        }
        let peer = tokio::spawn(async move {
            let (first, payload) = read_frame(&mut client).await.unwrap();
            assert_eq!(first, CLOSE);
            client.write_all(&frame(CLOSE, &payload)).await.unwrap();
            assert!(read_frame(&mut client).await.is_none());
        });
        let received = socket.drive(async move |socket| {
            let (sender, mut receiver) = socket.split();
            match is_shutdown {
                true => shutdown.start(),
                false => sender.close(CloseCode::NORMAL, ""),
            }
            let mut messages = Vec::new();
            while let Some(message) = receiver.recv().await {
                messages.push(message.unwrap());
                sleep(Duration::from_millis(500)).await;
            }
            (messages, receiver.close_info().unwrap().error().map(str::to_owned))
        });
        let (messages, error) = received.await.unwrap();
        assert_eq!((messages.len(), error), (76, None), "shutdown: {is_shutdown}");
        assert!(matches!(messages.last(), Some(Message::Close(_))));
        peer.await.unwrap();
    }
}

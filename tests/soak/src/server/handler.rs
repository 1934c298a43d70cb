//! The server's handler, which does what the client's messages request.

use std::time::Duration;

use tokio::sync::mpsc;
use tower_websocket::{CloseCode, Message, Sender, WebSocket};

use super::{
    account::{Account, Sent},
    output::Output,
};
use crate::{message::Ask, record::How};

/// The payload of a requested panic.
pub(super) const ON_PURPOSE: &str = "asked to";

/// How many requests are queued for the task that sends.
const ASKS: usize = 4;

/// Does what the messages of `id` request. Every other connection uses two halves instead of the
/// whole socket.
pub(super) async fn serve(socket: WebSocket, id: u64, output: Output) {
    let account = Account::new(id, output);
    if id & 1 == 0 { whole(socket, account).await } else { halves(socket, account).await }
}

async fn whole(mut socket: WebSocket, mut account: Account) {
    let mut sent = account.sent();
    while let Some(Ok(message)) = socket.recv().await {
        let Some(ask) = account.received(&message) else { return };
        match ask {
            Ask::Nothing => {}
            Ask::Send { count, size, is_text, is_raw } => {
                for _ in 0..count {
                    let message = sent.next(size, is_text);
                    let sending = if is_raw {
                        socket.send_uncompressed(message).await
                    } else {
                        socket.send(message).await
                    };
                    // Receiving continues even if sending has failed.
                    if sending.is_err() {
                        break;
                    }
                    sent.count();
                }
            }
            Ask::Ping => drop(socket.send(Message::Ping("ping".into())).await),
            Ask::Nap(millis) => tokio::time::sleep(Duration::from_millis(millis.into())).await,
            Ask::Close(code) => {
                let _ = socket.close(close_code(code), "asked to").await;
                return account.ended(How::Closed, socket.close_info());
            }
            Ask::Return => return account.ended(How::Returned, None),
            Ask::Panic => {
                account.ended(How::Panicked, None);
                panic!("{ON_PURPOSE}");
            }
        }
    }
    account.ended(How::Received, socket.close_info());
}

async fn halves(socket: WebSocket, mut account: Account) {
    let (sender, mut receiver) = socket.split();
    let (asks, asked) = mpsc::channel(ASKS);
    let sending = tokio::spawn(send(sender.clone(), asked, account.sent()));
    let mut last = None;
    while let Some(Ok(message)) = receiver.recv().await {
        let Some(ask) = account.received(&message) else { return };
        match ask {
            Ask::Nothing => {}
            Ask::Nap(millis) => tokio::time::sleep(Duration::from_millis(millis.into())).await,
            Ask::Return | Ask::Panic => {
                last = Some(ask);
                break;
            }
            ask => drop(asks.send(ask).await),
        }
    }
    // Earlier requests are answered first.
    drop(asks);
    let _ = sending.await;
    match last {
        Some(Ask::Panic) => {
            account.ended(How::Panicked, None);
            panic!("{ON_PURPOSE}");
        }
        Some(_) => account.ended(How::Returned, None),
        None => account.ended(How::Received, receiver.close_info()),
    }
}

async fn send(sender: Sender, mut asked: mpsc::Receiver<Ask>, mut sent: Sent) {
    while let Some(ask) = asked.recv().await {
        match ask {
            Ask::Send { count, size, is_text, is_raw } => {
                for _ in 0..count {
                    let message = sent.next(size, is_text);
                    let sending = if is_raw {
                        sender.send_uncompressed(message).await
                    } else {
                        sender.send(message).await
                    };
                    if sending.is_err() {
                        break;
                    }
                    sent.count();
                }
            }
            Ask::Ping => drop(sender.send(Message::Ping("ping".into())).await),
            Ask::Close(code) => sender.close(close_code(code), "asked to"),
            Ask::Nothing | Ask::Nap(_) | Ask::Return | Ask::Panic => {}
        }
    }
}

fn close_code(code: u16) -> CloseCode {
    CloseCode::try_from(code).unwrap_or(CloseCode::NORMAL)
}

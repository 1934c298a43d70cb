//! GraphQL over the subprotocol `graphql-transport-ws`, which npm's `graphql-ws` and other clients
//! use.
//!
//! The handshake selects the subprotocol. The client then has 3 s to send `connection_init` with a
//! token that identifies the user. `async_graphql` handles everything after that.

mod schema;

use std::{pin::pin, time::Duration};

use async_graphql::{
    Data,
    http::{ClientMessage, WebSocketProtocols, WsMessage},
};
use axum::{Router, body::Bytes};
use futures_util::{StreamExt, future::ready, stream};
use http::{Request, Response, StatusCode};
use tokio::time::timeout;
use tower_websocket::{
    CloseCode, Handshake, Message, Receiver, Rejection, WebSocket, WebSocketUpgradeLayer, handshake_fn,
};

use schema::{ChatSchema, User, schema};

const PROTOCOL: &str = "graphql-transport-ws";
const INIT_TIMEOUT: Duration = Duration::from_secs(3);

// The close codes of the protocol.
const INVALID_MESSAGE: CloseCode = CloseCode::application(4400);
const UNAUTHORIZED: CloseCode = CloseCode::application(4401);
const FORBIDDEN: CloseCode = CloseCode::application(4403);
const INIT_TIMED_OUT: CloseCode = CloseCode::application(4408);

/// Serves the WebSocket at `/graphql`.
pub fn app() -> Router {
    let sockets = WebSocketUpgradeLayer::new(handshake_fn(schema(), handshake), converse);
    Router::new().route_service("/graphql", sockets.into_service())
}

async fn handshake(
    schema: ChatSchema,
    request: Request<Handshake>,
) -> Result<Response<ChatSchema>, Rejection> {
    let mut handshake = request.into_body();
    if handshake.select_protocol([PROTOCOL]).is_none() {
        return Err((StatusCode::BAD_REQUEST, format!("the subprotocol must be {PROTOCOL}\n")).into());
    }
    Ok(handshake.accept(schema))
}

async fn converse(socket: WebSocket, schema: ChatSchema) {
    let (sender, mut receiver) = socket.split();
    let (init, user) = match connect(&mut receiver).await {
        Ok(connected) => connected,
        Err((code, reason)) => return sender.close(code, reason),
    };
    let mut data = Data::default();
    data.insert(user);
    // `async_graphql` receives `connection_init` as well, and acknowledges it.
    let input = stream::once(ready(init)).chain(receiver.filter_map(async |message| data_of(message.ok()?)));
    let output = async_graphql::http::WebSocket::new(schema, input, WebSocketProtocols::GraphQLWS);
    let mut output = pin!(output.connection_data(data));
    while let Some(message) = output.next().await {
        match message {
            // Waits for a slow client. Its subscriptions are not polled until there is space.
            WsMessage::Text(text) => match sender.send(text).await {
                Ok(()) => {}
                Err(_) => break,
            },
            // The protocol does not define this message.
            WsMessage::Close(1002, reason) => sender.close(INVALID_MESSAGE, reason),
            WsMessage::Close(code, reason) => sender.close(CloseCode::try_from(code).ok(), reason),
        }
    }
}

/// Receives `connection_init`, and returns it with the user of its token.
async fn connect(receiver: &mut Receiver) -> Result<(Bytes, User), (CloseCode, &'static str)> {
    let Ok(message) = timeout(INIT_TIMEOUT, receiver.recv_data()).await else {
        return Err((INIT_TIMED_OUT, "Connection initialisation timeout"));
    };
    let init = message.and_then(|message| data_of(message.ok()?)).ok_or((CloseCode::NORMAL, ""))?;
    match ClientMessage::from_bytes(&init) {
        Ok(ClientMessage::ConnectionInit { payload }) => {
            let token = payload.as_ref().and_then(|payload| payload["token"].as_str());
            let user = token.and_then(User::of_token).ok_or((FORBIDDEN, "Forbidden"))?;
            Ok((init, user))
        }
        Ok(_) => Err((UNAUTHORIZED, "Unauthorized")),
        Err(_) => Err((INVALID_MESSAGE, "Invalid message")),
    }
}

fn data_of(message: Message) -> Option<Bytes> {
    (message.is_text() || message.is_binary()).then(|| message.into_data())
}

/// Tests the code in the guide's page.
#[cfg(doctest)]
#[doc = include_str!("../../../src/guide/graphql.md")]
mod guide {}

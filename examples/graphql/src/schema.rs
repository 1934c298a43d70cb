//! The schema of a chat.

use async_graphql::{Context, Error, Object, Result, Schema, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt};
use tokio::sync::broadcast;
use tokio_stream::wrappers::{BroadcastStream, errors::BroadcastStreamRecvError::Lagged};

pub(crate) type ChatSchema = Schema<Query, Mutation, Subscriptions>;

/// How many messages a subscriber may be behind.
const CAPACITY: usize = 1000;

/// The connected user.
pub(crate) struct User(pub(crate) String);

impl User {
    /// Returns the owner of the token.
    pub(crate) fn of_token(token: &str) -> Option<Self> {
        // A real server looks the token up in a session store.
        let name = token.strip_prefix("token-of-").filter(|name| ["ada", "bob"].contains(name))?;
        Some(Self(name.to_owned()))
    }
}

#[derive(Clone, SimpleObject)]
pub(crate) struct ChatMessage {
    from: String,
    text: String,
}

pub(crate) fn schema() -> ChatSchema {
    Schema::build(Query, Mutation, Subscriptions)
        .data(broadcast::Sender::<ChatMessage>::new(CAPACITY))
        .finish()
}

pub(crate) struct Query;

#[Object]
impl Query {
    async fn me<'a>(&self, context: &Context<'a>) -> Result<&'a str> {
        Ok(&context.data::<User>()?.0)
    }
}

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    /// Sends a message to all subscribers, and returns their number.
    async fn say(&self, context: &Context<'_>, text: String) -> Result<usize> {
        let message = ChatMessage { from: context.data::<User>()?.0.clone(), text };
        Ok(context.data::<broadcast::Sender<ChatMessage>>()?.send(message).unwrap_or(0))
    }
}

pub(crate) struct Subscriptions;

#[Subscription]
impl Subscriptions {
    /// Streams new messages.
    async fn messages(
        &self,
        context: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<ChatMessage>> + use<>> {
        let messages = context.data::<broadcast::Sender<ChatMessage>>()?.subscribe();
        Ok(BroadcastStream::new(messages).map(|message| {
            message.map_err(|Lagged(missed)| Error::new(format!("{missed} messages were left out")))
        }))
    }
}

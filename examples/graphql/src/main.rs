//! A server for GraphQL subscriptions. Ctrl-C stops it.
//!
//! ```sh
//! cargo run -p graphql
//! ```
//!
//! Use npm's `graphql-ws` as the client:
//!
//! ```js
//! import { createClient } from "graphql-ws";
//!
//! const connectionParams = { token: "token-of-ada" };
//! const client = createClient({ url: "ws://127.0.0.1:9014/graphql", connectionParams });
//! const subscription = client.iterate({ query: "subscription { messages { from text } }" });
//! for await (const { data } of subscription) console.log(data);
//! ```
//!
//! `cargo run -p graphql -- PORT` uses another port; 0 picks one.

use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(9014), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on ws://{}/graphql", listener.local_addr()?);
    tower_websocket::serve(listener, graphql::app())
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    Ok(())
}

//! The layer around a plain hyper service, with hyper's own connection loop and no framework.
//!
//! ```sh
//! cargo run --example hyper
//! curl http://127.0.0.1:9017/
//! python3 -m websockets ws://127.0.0.1:9017/
//! ```

use std::convert::Infallible;

use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};
use tower_websocket::{Error, Message, WebSocket, WebSocketUpgradeLayer};

async fn page(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(format!("no WebSocket at {}\n", request.uri()).into()))
}

async fn shout(mut socket: WebSocket) -> Result<(), Error> {
    while let Some(message) = socket.recv_data().await {
        if let Message::Text(text) = message? {
            socket.send(text.to_uppercase()).await?;
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = match &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        [] => 9017,
        [flag, port] if flag == "--port" => port.parse()?,
        _ => return Err("usage: hyper [--port N]".into()),
    };
    let service =
        ServiceBuilder::new().layer(WebSocketUpgradeLayer::accept_all(shout)).service(service_fn(page));

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (io, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            // The timer ends connections whose request does not arrive within 30 s.
            let connection =
                http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(io), service);
            // Without `with_upgrades`, hyper does not hand over the connection.
            if let Err(error) = connection.with_upgrades().await {
                eprintln!("{error}");
            }
        });
    }
}

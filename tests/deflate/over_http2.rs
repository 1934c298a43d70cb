//! Compression over HTTP/2 (RFC 8441 §5).

use std::future::IntoFuture;

use axum::Router;
use h2::client::Builder;
use raw_client::http2::{Client, connect};
use raw_client::{
    FIN, RSV1,
    deflate::{Deflater, Inflater, NO_TAKEOVER, TAKEOVER},
    frame,
    opcode::TEXT,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower_websocket::{AcceptAll, WebSocketUpgradeLayer};

use crate::peer::{config, text};

#[tokio::test]
async fn parameters_of_the_200_are_used() {
    let layer = WebSocketUpgradeLayer::new(AcceptAll, async |mut socket, ()| {
        while let Some(Ok(message)) = socket.recv().await {
            if message.is_text() {
                socket.send(message).await.unwrap();
            }
        }
    });
    let app = Router::new().layer(layer.with_config(config()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    let io = TcpStream::connect(addr).await.unwrap();
    let (mut client, _connection) = connect(io, Builder::new().enable_push(false)).await;
    client.ready().await;

    for (offer, agreed) in [
        (TAKEOVER, Some(TAKEOVER)),
        (NO_TAKEOVER, Some(NO_TAKEOVER)),
        ("x-other, permessage-deflate; x", None),
    ] {
        let request = Client::websocket("http://a/").header("sec-websocket-extensions", offer);
        let (response, mut stream) = client.send(request, false).await.response().await.unwrap();
        assert_eq!(response.status(), 200);
        let extensions = response.headers().get("sec-websocket-extensions");
        assert_eq!(extensions.map(|value| value.to_str().unwrap()), agreed);
        let Some(agreed) = agreed else { continue };
        let takeover = agreed == TAKEOVER;
        let (mut deflater, mut inflater) = (Deflater::new(takeover), Inflater::new(takeover, 15));
        for _ in 0..3 {
            let payload = deflater.message(text(1000).as_bytes());
            stream.write_all(&frame(FIN | RSV1 | TEXT, &payload)).await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), FIN | RSV1 | TEXT);
            let len = match stream.read_u8().await.unwrap() {
                126 => stream.read_u16().await.unwrap().into(),
                len => usize::from(len),
            };
            let mut payload = vec![0; len];
            stream.read_exact(&mut payload).await.unwrap();
            assert_eq!(inflater.message(&payload), text(1000).as_bytes());
        }
    }
}

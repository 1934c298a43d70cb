//! hyper-tungstenite.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming};
use hyper_tungstenite::upgrade;

use super::{conversation::converse, hyper_connection::hyper_connection, io::Io, tokio_tungstenite::config};

pub(super) async fn connection<IO: Io>(io: IO) {
    hyper_connection(io, respond).await;
}

fn respond(mut request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let (response, socket) = upgrade(&mut request, Some(config())).expect("all requests are upgrades");
    tokio::spawn(async move {
        if let Ok(socket) = socket.await {
            converse(socket, &path).await;
        }
    });
    response
}

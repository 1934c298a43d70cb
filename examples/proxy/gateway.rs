//! From a client's request to two sockets, and what passes between them.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tower::{BoxError, Service};
use tower_websocket::{
    CloseCode, Config, Connector, Handshake, Message, Receiver, Rejection, Sender, WebSocket,
    WebSocketUpgradeLayer,
    connect::{ConnectError, ConnectErrorKind},
    handshake::ResponseError,
    handshake_fn,
};

/// How long the server behind may take to be connected, and then to answer. The layer's own
/// `handshake_timeout` is longer than both.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Returns the gateway to the server at `upstream`.
pub(crate) fn service(
    upstream: impl Into<Arc<str>>,
) -> impl Service<
    Request<Incoming>,
    Response = Response<impl Body<Data: Send, Error: Into<BoxError>> + Send + 'static>,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send
+ 'static {
    let connector = Connector::new().with_config(Config::new().handshake_timeout(TIMEOUT));
    let state = Upstream { addr: upstream.into(), connector };
    WebSocketUpgradeLayer::new(handshake_fn(state, enter), relay).into_service()
}

#[derive(Clone)]
struct Upstream {
    addr: Arc<str>,
    connector: Connector,
}

/// Opens the socket to the server behind, and accepts the client as that server would.
async fn enter(
    upstream: Upstream,
    request: Request<Handshake>,
) -> Result<Response<WebSocket<TcpStream>>, Rejection> {
    let (parts, mut handshake) = request.into_parts();
    let io = match timeout(TIMEOUT, TcpStream::connect(&*upstream.addr)).await {
        Ok(io) => io.map_err(|_| StatusCode::BAD_GATEWAY)?,
        Err(_) => return Err(StatusCode::GATEWAY_TIMEOUT.into()),
    };
    // Over HTTP/2 the client's is a CONNECT; towards the server behind it is a GET. What belongs to
    // the client's own connection, such as its key, is replaced.
    let mut request = Request::new(());
    *request.uri_mut() = parts.uri;
    *request.headers_mut() = parts.headers;
    if let Some(client) = parts.extensions.get::<SocketAddr>() {
        let ip = HeaderValue::try_from(client.ip().to_string()).expect("an address is ASCII");
        request.headers_mut().append("x-forwarded-for", ip);
    }
    let (socket, _) = upstream.connector.connect(request, io).await.map_err(reject)?;
    if let Some(protocol) = socket.protocol() {
        handshake.select_protocol([protocol]);
    }
    Ok(handshake.accept(socket))
}

/// What the client gets when the server behind does not open a WebSocket.
fn reject(error: ConnectError<TcpStream>) -> Rejection {
    match error.into_parts() {
        (ConnectErrorKind::TimedOut(_), ..) => StatusCode::GATEWAY_TIMEOUT.into(),
        // It has refused: it is for the client to do something about it.
        (ConnectErrorKind::Response(ResponseError::Status(status)), Some(response), _)
            if !status.is_informational() && !status.is_success() =>
        {
            response.map(|()| String::new()).into()
        }
        _ => StatusCode::BAD_GATEWAY.into(),
    }
}

/// Passes everything on until both sockets are closed.
async fn relay(client: WebSocket, server: WebSocket<TcpStream>) {
    let ((to_client, from_client), (to_server, from_server)) = (client.split(), server.split());
    tokio::join!(
        pass(from_client, to_server, CloseCode::GOING_AWAY),
        pass(from_server, to_client, CloseCode::BAD_GATEWAY),
    );
}

/// Passes the messages of one side on, as fast as the other side takes them, and then its Close. An
/// end without a Close is told by the code `lost`.
async fn pass<A, B>(mut from: Receiver<A>, to: Sender<B>, lost: CloseCode)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(received) = from.recv().await {
        match received {
            // Each side answers its own.
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Ok(message) => {
                // Waits while there is no room. A Close is a message as well, with or without a
                // code.
                let is_close = message.is_close();
                if to.send(message).await.is_err() || is_close {
                    return;
                }
            }
            Err(_) => break,
        }
    }
    to.close(lost, "");
}

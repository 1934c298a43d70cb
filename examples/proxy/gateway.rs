//! Opens two sockets for a client's request, and relays messages between them.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode,
    header::{CONNECTION, HOST},
};
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

/// The timeout for connecting to the upstream server, and again for its response. The layer's own
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

/// Opens the socket to the upstream server, and accepts the client with the same subprotocol.
async fn enter(
    upstream: Upstream,
    request: Request<Handshake>,
) -> Result<Response<WebSocket<TcpStream>>, Rejection> {
    let (parts, mut handshake) = request.into_parts();
    let io = match timeout(TIMEOUT, TcpStream::connect(&*upstream.addr)).await {
        Ok(io) => io.map_err(|_| StatusCode::BAD_GATEWAY)?,
        Err(_) => return Err(StatusCode::GATEWAY_TIMEOUT.into()),
    };
    // Over HTTP/2 the client sends a CONNECT; the upstream server gets a GET. The headers of the
    // client's own connection, such as its key, are replaced.
    let mut request = Request::new(());
    *request.uri_mut() = parts.uri;
    *request.headers_mut() = parts.headers;
    // The authority of an absolute target replaces `Host` (RFC 9112 §3.2.2), and was checked.
    if request.uri().authority().is_some() {
        request.headers_mut().remove(HOST);
    }
    remove_named(request.headers_mut());
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

/// Removes the headers that `Connection` names, which are meant for this server alone (RFC 9110
/// §7.6.1). A client could otherwise name the header that is added next, which `connect` would then
/// remove.
fn remove_named(headers: &mut HeaderMap) {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let names: Vec<_> = lines.flat_map(|line| line.split(',')).map(|name| name.trim().to_owned()).collect();
    for name in names {
        headers.remove(name);
    }
    headers.remove(CONNECTION);
}

/// Returns the response for the client if the upstream server does not open a WebSocket.
fn reject(error: ConnectError<TcpStream>) -> Rejection {
    match error.into_parts() {
        (ConnectErrorKind::TimedOut(_), ..) => StatusCode::GATEWAY_TIMEOUT.into(),
        // The upstream server has rejected the request. The client has to handle that.
        (ConnectErrorKind::Response(ResponseError::Status(status)), Some(response), _)
            if !status.is_informational() && !status.is_success() =>
        {
            response.map(|()| String::new()).into()
        }
        _ => StatusCode::BAD_GATEWAY.into(),
    }
}

/// Relays messages until both sockets are closed.
async fn relay(client: WebSocket, server: WebSocket<TcpStream>) {
    let ((to_client, from_client), (to_server, from_server)) = (client.split(), server.split());
    tokio::join!(
        pass(from_client, to_server, CloseCode::GOING_AWAY),
        pass(from_server, to_client, CloseCode::BAD_GATEWAY),
    );
}

/// Relays the messages of one side as fast as the other side reads them, and then its Close. If the
/// connection ends without a Close, sends a Close with the code `lost`.
async fn pass<A, B>(mut from: Receiver<A>, to: Sender<B>, lost: CloseCode)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(received) = from.recv().await {
        match received {
            // Each side answers its own pings.
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Ok(message) => {
                // Waits for space. A Close is a message as well, with or without a
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

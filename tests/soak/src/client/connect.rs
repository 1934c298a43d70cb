//! Transports to the server.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use bytes::Bytes;
use http::{Method, Request, StatusCode, Version};
use http_body_util::Empty;
use hyper::{client::conn::http2, ext::Protocol};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

use super::{opening::Form, trouble::Trouble, world::World};

/// How many loopback addresses the clients use. Each has about 28,000 ports.
const ADDRESSES: u64 = 16;

/// How many sockets share an HTTP/2 connection before another one is made.
const SHARE: usize = 40;

/// A stream of any kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for IO {}

/// The transport of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Plain,
    Tls,
    /// To the port that is drained now and then.
    Drained,
    Http2,
    Http2Tls,
}

impl Way {
    pub(crate) fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls)
    }
}

/// An HTTP/2 connection that sockets share.
pub(crate) struct Shared {
    requests: http2::SendRequest<Empty<Bytes>>,
    left: usize,
}

/// Connects to one of the ports. With `cuts`, the connection ends with a reset.
pub(crate) async fn tcp(addr: SocketAddr, id: u64, cuts: bool) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // The server listens on a port again that this socket may get.
    socket.set_reuseaddr(true)?;
    let from = Ipv4Addr::new(127, 0, 0, 1 + (id % ADDRESSES) as u8);
    socket.bind((from, 0).into())?;
    let io = socket.connect(addr).await?;
    io.set_nodelay(true)?;
    if cuts {
        io.set_zero_linger()?;
    }
    Ok(io)
}

/// Returns a stream for a request over HTTP/1.1.
pub(crate) async fn http1(world: &World, way: Way, id: u64, cuts: bool) -> io::Result<Box<dyn Stream>> {
    let ports = &world.ports;
    Ok(match way {
        Way::Tls => Box::new(tls(&world.http1, tcp(ports.secure, id, cuts).await?).await?),
        Way::Drained => Box::new(tcp(ports.drained, id, cuts).await?),
        _ => Box::new(tcp(ports.plain, id, cuts).await?),
    })
}

async fn tls(connector: &TlsConnector, io: TcpStream) -> io::Result<impl Stream> {
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    connector.connect(name, io).await
}

/// Returns an open WebSocket over HTTP/2 (RFC 8441), as a stream.
pub(crate) async fn http2(world: &World, way: Way, id: u64, form: Form) -> Result<Box<dyn Stream>, Trouble> {
    let mut requests = share(world, way, id).await?;
    let wrong = |error: hyper::Error| Trouble::Wrong(format!("HTTP/2: {error}"));
    requests.ready().await.map_err(wrong)?;
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::CONNECT;
    *request.version_mut() = Version::HTTP_2;
    let uri = format!("http://localhost{}{id}", form.folder());
    *request.uri_mut() = uri.parse().map_err(io::Error::other)?;
    request.headers_mut().insert("sec-websocket-version", 13.into());
    if let Some(offer) = form.offer() {
        request.headers_mut().insert("sec-websocket-extensions", http::HeaderValue::from_static(offer));
    }
    request.extensions_mut().insert(Protocol::from_static("websocket"));
    let response = requests.send_request(request).await.map_err(wrong)?;
    if response.status() != StatusCode::OK {
        return Err(Trouble::Wrong(format!("HTTP/2: {}", response.status())));
    }
    Ok(Box::new(TokioIo::new(hyper::upgrade::on(response).await.map_err(wrong)?)))
}

/// Returns a connection that may carry one more socket.
async fn share(world: &World, way: Way, id: u64) -> Result<http2::SendRequest<Empty<Bytes>>, Trouble> {
    let mut shared = world.shared[usize::from(way == Way::Http2Tls)].lock().await;
    if let Some(shared) = shared.as_mut().filter(|shared| shared.left > 0 && !shared.requests.is_closed()) {
        shared.left -= 1;
        return Ok(shared.requests.clone());
    }
    let io: Box<dyn Stream> = match way {
        Way::Http2Tls => Box::new(tls(&world.http2, tcp(world.ports.secure, id, false).await?).await?),
        _ => Box::new(tcp(world.ports.plain, id, false).await?),
    };
    let wrong = |error: hyper::Error| Trouble::Wrong(format!("HTTP/2: {error}"));
    let http = http2::Builder::new(TokioExecutor::new());
    let (mut requests, connection) = http.handshake(TokioIo::new(io)).await.map_err(wrong)?;
    tokio::spawn(connection);
    // The server's settings arrive before its response. They enable WebSockets.
    requests.ready().await.map_err(wrong)?;
    let page = Request::get("http://localhost/page").version(Version::HTTP_2).body(Empty::new());
    requests.send_request(page.map_err(io::Error::other)?).await.map_err(wrong)?;
    *shared = Some(Shared { requests: requests.clone(), left: SHARE - 1 });
    Ok(requests)
}

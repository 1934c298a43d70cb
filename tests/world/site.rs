//! A server with one handler, and the transports to it.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, IntoFuture},
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, ready},
};

use h2::client::Builder;
use http::Request;
use hyper::body::Incoming;
use raw_client::http2::{Client, connect};
use socket2::SockRef;
use tokio::{
    io::DuplexStream,
    net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream},
    sync::mpsc,
};
use tokio_rustls::TlsConnector;
use tower::service_fn;
use tower_websocket::{
    AcceptAll, Acceptor, Config, Shutdown, WebSocket, WebSocketUpgradeLayer,
    handshake::RejectionBody,
    serve, serve_tls,
    server::{HttpService, Listener},
};

use crate::{
    authority::{Authority, tls},
    peer::Peer,
};

/// The transport of a socket, and whether it has a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Tcp,
    Tls,
    Unix,
    Http2,
    /// A pipe of 64 KiB in memory.
    Memory,
    /// TCP with [`Acceptor`], without a driver.
    Undriven,
}

impl Way {
    pub(crate) const ALL: [Self; 6] =
        [Self::Tcp, Self::Tls, Self::Unix, Self::Http2, Self::Memory, Self::Undriven];
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The sizes of the kernel's buffers. `None` keeps the kernel's defaults.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Buffers {
    /// The send buffer of the server's sockets.
    pub(crate) server: Option<u32>,
    /// The receive buffer of the client's sockets.
    pub(crate) client: Option<u32>,
}

pub(crate) struct Site {
    way: Way,
    buffers: Buffers,
    address: Address,
    pub(crate) shutdown: Shutdown,
}

enum Address {
    Tcp(SocketAddr, Option<TlsConnector>),
    Unix(PathBuf),
    Memory(mpsc::UnboundedSender<DuplexStream>),
}

impl Site {
    pub(crate) async fn start<F, Fut>(way: Way, config: Config, handler: F) -> Self
    where
        F: Fn(WebSocket) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::start_with(way, Buffers::default(), config, handler).await
    }

    pub(crate) async fn start_with<F, Fut>(way: Way, buffers: Buffers, config: Config, handler: F) -> Self
    where
        F: Fn(WebSocket) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let layer = |config| {
            let handler = handler.clone();
            let handler = move |socket, ()| handler(socket);
            WebSocketUpgradeLayer::new(AcceptAll, handler).with_config(config).into_service()
        };
        match way {
            Way::Undriven => {
                let listener = listen(buffers);
                let address = Address::Tcp(listener.local_addr().unwrap(), None);
                Self::run(way, buffers, address, listener, undriven(config, handler))
            }
            Way::Tcp | Way::Http2 => {
                let listener = listen(buffers);
                let address = Address::Tcp(listener.local_addr().unwrap(), None);
                Self::run(way, buffers, address, listener, layer(config))
            }
            Way::Tls => {
                let listener = listen(buffers);
                let authority = Authority::new();
                let connector = authority.client(&["http/1.1"], false);
                let address = Address::Tcp(listener.local_addr().unwrap(), Some(connector));
                let server = serve_tls(listener, authority.tls(), layer(config));
                let shutdown = server.shutdown().clone();
                tokio::spawn(server.into_future());
                Self { way, buffers, address, shutdown }
            }
            Way::Unix => {
                static NEXT: AtomicUsize = AtomicUsize::new(0);
                let name = format!("world-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
                let path = std::env::temp_dir().join(name);
                let listener = Unix(UnixListener::bind(&path).unwrap(), buffers.server);
                Self::run(way, buffers, Address::Unix(path), listener, layer(config))
            }
            Way::Memory => {
                let (connect, pipes) = mpsc::unbounded_channel();
                Self::run(way, buffers, Address::Memory(connect), Pipes(pipes), layer(config))
            }
        }
    }

    fn run<L: Listener, S: HttpService>(
        way: Way,
        buffers: Buffers,
        address: Address,
        listener: L,
        service: S,
    ) -> Self {
        let server = serve(listener, service);
        let shutdown = server.shutdown().clone();
        tokio::spawn(server.into_future());
        Self { way, buffers, address, shutdown }
    }

    /// Returns the address it listens on.
    pub(crate) fn addr(&self) -> SocketAddr {
        let Address::Tcp(addr, _) = self.address else { panic!("{} has no port", self.way) };
        addr
    }

    pub(crate) async fn open(&self) -> Peer {
        self.open_offering(None).await.expect("the server opens a WebSocket")
    }

    pub(crate) async fn open_offering(&self, extensions: Option<&str>) -> io::Result<Peer> {
        match &self.address {
            Address::Unix(path) => Peer::open(UnixStream::connect(path).await?, extensions).await,
            Address::Memory(connect) => {
                let (io, server) = tokio::io::duplex(64 << 10);
                connect.send(server).expect("the server listens");
                Peer::open(io, extensions).await
            }
            Address::Tcp(addr, Some(connector)) => {
                Peer::open(tls(connector, self.connect(*addr).await?).await?, extensions).await
            }
            Address::Tcp(addr, None) if self.way == Way::Http2 => {
                let window = self.buffers.client.unwrap_or(64 << 10).max(16 << 10);
                let mut builder = Builder::new();
                builder.initial_window_size(window).initial_connection_window_size(2 * window);
                let (mut client, _connection) = connect(self.connect(*addr).await?, &builder).await;
                client.ready().await;
                let mut request = Client::websocket("http://localhost/");
                if let Some(extensions) = extensions {
                    request = request.header("sec-websocket-extensions", extensions);
                }
                let (response, stream) =
                    client.send(request, false).await.response().await.map_err(io::Error::other)?;
                if response.status() != http::StatusCode::OK {
                    return Err(io::Error::other(response.status().to_string()));
                }
                Ok(Peer::of(stream))
            }
            Address::Tcp(addr, None) => Peer::open(self.connect(*addr).await?, extensions).await,
        }
    }

    async fn connect(&self, addr: SocketAddr) -> io::Result<TcpStream> {
        tcp(addr, self.buffers).await
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Address::Unix(path) = &self.address {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Connects a client. The connection is reset if it is dropped with unread data, or after
/// [`set_reset`].
pub(crate) async fn tcp(addr: SocketAddr, buffers: Buffers) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(size) = buffers.client {
        socket.set_recv_buffer_size(size)?;
        // Loopback's segments of 64 KB are too large for a small buffer.
        SockRef::from(&socket).set_tcp_mss(1460)?;
    }
    let io = socket.connect(addr).await?;
    io.set_nodelay(true)?;
    Ok(io)
}

fn listen(buffers: Buffers) -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    if let Some(size) = buffers.server {
        // Accepted sockets inherit it.
        socket.set_send_buffer_size(size).unwrap();
    }
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    socket.listen(1024).unwrap()
}

/// Returns a service whose sockets have no driver.
fn undriven<F, Fut>(config: Config, handler: F) -> impl HttpService
where
    F: Fn(WebSocket) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let acceptor = Acceptor::new(AcceptAll).with_config(config);
    service_fn(move |request: Request<Incoming>| {
        let (acceptor, handler) = (acceptor.clone(), handler.clone());
        async move {
            Ok::<_, Infallible>(match acceptor.accept_request(request).await {
                Ok((response, upgrading)) => {
                    tokio::spawn(async move {
                        let (socket, ()) = upgrading.await.expect("the server hands over the IO");
                        handler(socket).await;
                    });
                    response.map(|()| RejectionBody::default())
                }
                Err(refused) => refused.into_response(),
            })
        }
    })
}

/// A Unix listener, and the size of its sockets' send buffers as for TCP. By default, the kernel
/// buffers 208 KiB, a twentieth of what it buffers for TCP.
struct Unix(UnixListener, Option<u32>);

impl Listener for Unix {
    type Io = UnixStream;
    type Addr = ();

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, ())>> {
        let (io, _) = ready!(self.0.poll_accept(cx))?;
        if let Some(size) = self.1 {
            // They do not inherit it.
            SockRef::from(&io).set_send_buffer_size(size as usize / 20)?;
        }
        Poll::Ready(Ok((io, ())))
    }
}

/// A listener of streams in memory.
struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Addr = ();

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(DuplexStream, ())>> {
        match ready!(self.0.poll_recv(cx)) {
            Some(io) => Poll::Ready(Ok((io, ()))),
            None => Poll::Pending,
        }
    }
}

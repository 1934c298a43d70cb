//! WebSockets on an HTTP server other than hyper: the server hands the connection over with the
//! request.
//!
//! The server here is minimal: HTTP/1.1 over TCP, one request for each connection, no bodies. It
//! does for WebSockets what any server has to do, for example one for HTTP/3 or for a protocol of
//! its own:
//!
//! - It inserts a `PendingIo` and the client's address into the request's extensions.
//! - It writes the response.
//! - If the response accepts the handshake, it sends the connection to the `PendingIo`.
//!
//! ```sh
//! cargo run --example own_server
//! ```
//!
//! Then open `ws://127.0.0.1:9007/` with any WebSocket client, or run `curl
//! http://127.0.0.1:9007/`.

use std::{convert::Infallible, fmt::Write, io, net::SocketAddr};

use bytes::{Buf, Bytes, BytesMut};
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_websocket::{
    WebSocket, WebSocketUpgradeLayer,
    io::{PendingIo, Rewind},
};

#[tokio::main]
async fn main() -> io::Result<()> {
    run(TcpListener::bind("127.0.0.1:9007").await?).await
}

async fn run(listener: TcpListener) -> io::Result<()> {
    let sockets = WebSocketUpgradeLayer::accept_all(echo);
    let service = sockets.layer(service_fn(page));
    loop {
        let (io, addr) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            if let Err(error) = connection(io, addr, service).await {
                eprintln!("{addr}: {error}");
            }
        });
    }
}

async fn page(_: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new("Open a WebSocket here.\n".into()))
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv_data().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

/// Serves one connection.
async fn connection<S, B>(mut io: TcpStream, addr: SocketAddr, service: S) -> io::Result<()>
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let mut unread = BytesMut::new();
    let mut request = read_request(&mut io, &mut unread).await?;
    let (hand_over, pending) = oneshot::channel();
    request.extensions_mut().insert(PendingIo::new(pending));
    request.extensions_mut().insert(addr);

    let (head, body) = service.oneshot(request).await.expect("it is infallible").into_parts();
    let mut text = format!("HTTP/1.1 {}\r\n", head.status);
    for (name, value) in &head.headers {
        let _ = write!(text, "{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
    }
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        io.write_all(format!("{text}\r\n").as_bytes()).await?;
        // From here on, the layer's task has the connection and the frames that arrived with the
        // request.
        let _ = hand_over.send(Rewind::new(io, unread.freeze()));
        return Ok(());
    }
    let body = body.collect().await.expect("it is in memory").to_bytes();
    io.write_all(format!("{text}connection: close\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes())
        .await?;
    io.write_all(&body).await?;
    io.shutdown().await
}

/// Reads the head of a request. Bytes after it remain in `bytes`.
async fn read_request(io: &mut TcpStream, bytes: &mut BytesMut) -> io::Result<Request<()>> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 100];
        let mut head = httparse::Request::new(&mut headers);
        let parsed = head.parse(bytes).map_err(io::Error::other)?;
        if let httparse::Status::Complete(length) = parsed {
            // The layer rejects handshakes over HTTP/1.0.
            let version = if head.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
            let mut request = Request::builder()
                .method(head.method.unwrap_or(""))
                .uri(head.path.unwrap_or(""))
                .version(version);
            for header in head.headers.iter() {
                request = request.header(header.name, header.value);
            }
            let request = request.body(()).map_err(io::Error::other)?;
            bytes.advance(length);
            return Ok(request);
        }
        if bytes.len() > 16 * 1024 {
            return Err(io::Error::other("the request is too large"));
        }
        if io.read_buf(bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };
    use tokio_tungstenite::connect_async;
    use tower_websocket::Message;

    use super::run;

    #[tokio::test]
    async fn server_serves_pages_and_websockets() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(run(listener));

        let mut page = TcpStream::connect(addr).await.unwrap();
        page.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut response = String::new();
        page.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        assert!(response.ends_with("\r\n\r\nOpen a WebSocket here.\n"), "{response}");

        let mut old = TcpStream::connect(addr).await.unwrap();
        old.write_all(
            b"GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .await
        .unwrap();
        response.clear();
        old.read_to_string(&mut response).await.unwrap();
        assert!(!response.starts_with("HTTP/1.1 101"), "{response}");

        let (mut socket, _) = connect_async(format!("ws://{addr}/")).await.unwrap();
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
        socket.close(None).await.unwrap();
        assert!(socket.next().await.unwrap().unwrap().is_close());
        assert!(socket.next().await.is_none());
    }
}

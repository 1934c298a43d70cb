//! An HTTP/2 connection.

use bytes::Bytes;
use h2::{client::Builder, client::SendRequest, ext::Protocol};
use http::{Method, Request, Response, Version, request};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::{JoinHandle, yield_now},
};

use super::Stream;

/// The client of one connection. Clones share it. The connection ends with the last clone and the
/// last stream.
#[derive(Clone)]
pub struct Client(SendRequest<Bytes>);

/// Returns a client on `io`, and the task that runs its connection.
pub async fn connect<IO>(io: IO, builder: &Builder) -> (Client, JoinHandle<Result<(), h2::Error>>)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (client, connection) = builder.handshake(io).await.unwrap();
    (Client(client), tokio::spawn(connection))
}

impl Client {
    /// Returns the head of an extended CONNECT for `protocol`.
    pub fn extended_connect(uri: &str, protocol: &'static str) -> request::Builder {
        Request::builder()
            .method(Method::CONNECT)
            .uri(uri)
            .version(Version::HTTP_2)
            .extension(Protocol::from_static(protocol))
    }

    /// Returns the head of an opening handshake (RFC 8441 §5.1).
    pub fn websocket(uri: &str) -> request::Builder {
        Self::extended_connect(uri, "websocket").header("sec-websocket-version", "13")
    }

    /// Waits until the server has enabled extended CONNECT.
    pub async fn ready(&mut self) {
        while !self.0.is_extended_connect_protocol_enabled() {
            yield_now().await;
        }
    }

    /// Sends a request without waiting for the response.
    pub async fn send(&self, request: request::Builder, is_end: bool) -> Sent {
        let mut client = self.0.clone().ready().await.unwrap();
        let (response, send) = client.send_request(request.body(()).unwrap(), is_end).unwrap();
        Sent { response, send }
    }

    /// Sends a request that must be accepted.
    pub async fn open(&self, request: request::Builder) -> Stream {
        let (response, stream) = self.send(request, false).await.response().await.unwrap();
        assert_eq!(response.status(), http::StatusCode::OK);
        stream
    }
}

/// A sent request without a response yet.
pub struct Sent {
    response: h2::client::ResponseFuture,
    pub send: h2::SendStream<Bytes>,
}

impl Sent {
    /// Returns the response's head, and the stream.
    pub async fn response(self) -> Result<(Response<()>, Stream), h2::Error> {
        let (head, recv) = self.response.await?.into_parts();
        Ok((Response::from_parts(head, ()), Stream::new(self.send, recv)))
    }
}

//! The client with this crate's own server.

use http::{Request, Response};
use tokio::{
    io::{DuplexStream, duplex},
    net::{TcpListener, TcpStream},
};
use tower::service_fn;
use tower_websocket::{
    AcceptAll, Acceptor, CloseCode, Config, Connector, Error, Handshake, Message, Rejection, WebSocket,
    connect::ConnectErrorKind, handshake::ResponseError,
};

use crate::raw_server::request;

/// Returns both ends of a WebSocket in memory.
async fn pair(server: Config, client: Config) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(64 * 1024);
    let acceptor = Acceptor::new(AcceptAll).with_config(server);
    let connector = Connector::new().with_config(client);
    let (accepted, connected) = tokio::join!(acceptor.accept(far), connector.connect(request(), near));
    (accepted.unwrap().0, connected.unwrap().0)
}

async fn echo(mut socket: WebSocket<DuplexStream>) -> Result<(), Error> {
    while let Some(message) = socket.recv_data().await {
        socket.send(message?).await?;
    }
    Ok(())
}

fn messages() -> Vec<Message> {
    let noise = |len: u32| (0..len).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>();
    vec![
        Message::text(""),
        Message::text("hello"),
        Message::binary(noise(125)),
        Message::binary(noise(126)),
        Message::binary(noise(70_000)),
        Message::binary(noise(900_000)),
        Message::text("{\"id\": 1, \"name\": \"item\"}, ".repeat(20_000)),
        Message::binary(vec![0; 1 << 20]),
    ]
}

async fn converse(mut client: WebSocket<DuplexStream>) {
    for message in messages() {
        client.send(message.clone()).await.unwrap();
        let received = client.recv_data().await;
        assert!(received.unwrap().unwrap() == message, "{} bytes", message.len());
    }
    client.close(CloseCode::NORMAL, "done").await.unwrap();
    let info = client.close_info().unwrap();
    assert!(info.is_clean() && info.code() == 1000 && info.reason() == "done");
}

#[tokio::test]
async fn messages_of_any_size_are_echoed() {
    let (server, client) = pair(Config::new(), Config::new()).await;
    let echoing = tokio::spawn(echo(server));
    converse(client).await;
    echoing.await.unwrap().unwrap();
}

#[cfg(feature = "deflate")]
#[tokio::test]
async fn messages_of_any_size_are_echoed_with_compression() {
    use tower_websocket::Deflate;
    let takeover = || Deflate::new().context_takeover(true);
    for (server, client) in [
        (Deflate::new(), Deflate::new()),
        (takeover(), takeover()),
        (takeover().client_no_context_takeover(true), takeover()),
        (Deflate::new().server_no_context_takeover(true), takeover()),
        (takeover(), Deflate::new().server_no_context_takeover(true)),
        (takeover(), takeover().server_max_window_bits(9).client_max_window_bits(9)),
        (takeover().server_max_window_bits(10).client_max_window_bits(10), takeover()),
    ] {
        let (server, client) = (Config::new().deflate(server), Config::new().deflate(client));
        let (server, client) = pair(server, client).await;
        let echoing = tokio::spawn(echo(server));
        converse(client).await;
        echoing.await.unwrap().unwrap();
    }
    // Compression on one side alone is not negotiated.
    for (server, client) in [
        (Config::new(), Config::new().deflate(takeover())),
        (Config::new().deflate(takeover()), Config::new()),
    ] {
        let (server, client) = pair(server, client).await;
        let echoing = tokio::spawn(echo(server));
        converse(client).await;
        echoing.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn rejection_contains_the_reason() {
    let (near, far) = duplex(64 * 1024);
    let no = service_fn(async |_: Request<Handshake>| {
        Err::<Response<()>, _>(Rejection::from((http::StatusCode::FORBIDDEN, "not today")))
    });
    let acceptor = Acceptor::new(no);
    let connector = Connector::new();
    let ((), connected) = tokio::join!(
        async { acceptor.accept(far).await.unwrap_err().respond().await.unwrap() },
        connector.connect(request(), near)
    );
    let (kind, response, mut io) = connected.unwrap_err().into_parts();
    assert!(matches!(kind, ConnectErrorKind::Response(ResponseError::Status(status)) if status == 403));
    assert_eq!(response.unwrap().headers()["content-length"], "9");
    let mut body = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut io, &mut body).await.unwrap();
    assert_eq!(body, "not today");
}

#[tokio::test]
async fn halves_of_a_client_work_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let (socket, ()) = Acceptor::new(AcceptAll).accept(io).await.unwrap();
        let (sender, mut receiver) = socket.split();
        while let Some(Ok(message)) = receiver.recv_data().await {
            sender.send(message).await.unwrap();
        }
        receiver.close_info().unwrap().code()
    });
    let io = TcpStream::connect(addr).await.unwrap();
    let request = Request::get(format!("ws://{addr}/")).body(()).unwrap();
    let (mut socket, _) = Connector::new().connect(request, io).await.unwrap();
    assert!(socket.with_io(|io| io.nodelay().unwrap()).await.unwrap());
    let (sender, mut receiver) = socket.split();
    let sending = tokio::spawn(async move {
        for i in 0..1000 {
            sender.send(i.to_string()).await.unwrap();
        }
        sender
    });
    for i in 0..1000 {
        assert_eq!(receiver.recv_data().await.unwrap().unwrap(), Message::text(i.to_string()));
    }
    sending.await.unwrap().close(CloseCode::GOING_AWAY, "");
    while receiver.recv().await.is_some() {}
    assert_eq!(server.await.unwrap(), 1001);
}

/// A client with a driver is like a server's handler: it answers and sends pings while it does
/// something else.
#[tokio::test(start_paused = true)]
async fn driven_client_stays_connected_while_it_does_not_receive() {
    let (server, client) = pair(Config::new(), Config::new()).await;
    let serving = tokio::spawn(echo(server));
    let driven = client.drive(async |mut socket| {
        tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        socket.send("still here").await.unwrap();
        socket.recv_data().await.unwrap().unwrap()
    });
    assert_eq!(driven.await.unwrap(), Message::text("still here"));
    serving.await.unwrap().unwrap();
}

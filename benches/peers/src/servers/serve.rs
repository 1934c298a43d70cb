//! The process of a server.

use std::io;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{
    axum, fastwebsockets, hyper_tungstenite, sockudo, tcp, tokio_tungstenite, tokio_websockets,
    tower_websocket::{self, FanOut},
    wtx, yawc,
};
use crate::{compression::Compression, peer::Peer, process};

/// Listens on a free port of the loopback address, prints the port, and serves until the process is
/// ended.
pub(crate) fn serve(peer: Peer, compression: Option<Compression>) -> io::Result<()> {
    process::pin(0)?;
    process::raise_file_limit()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(4096)?;
        println!("{}", listener.local_addr()?.port());
        match peer {
            Peer::TowerWebsocket => tower_websocket::serve(listener, compression, FanOut::Rooms).await,
            Peer::TowerSenders => tower_websocket::serve(listener, compression, FanOut::Senders).await,
            Peer::Tcp => accept(listener, tcp::connection).await,
            Peer::Axum => axum::serve(listener).await,
            Peer::HyperTungstenite => accept(listener, hyper_tungstenite::connection).await,
            Peer::TokioTungstenite => accept(listener, tokio_tungstenite::connection).await,
            Peer::Fastwebsockets => accept(listener, fastwebsockets::connection).await,
            Peer::TokioWebsockets => accept(listener, tokio_websockets::connection).await,
            Peer::Yawc => {
                let options = yawc::options(compression);
                accept(listener, move |io| yawc::connection(io, options.clone())).await
            }
            Peer::YawcPool => {
                let options = yawc::pooled(yawc::options(compression));
                accept(listener, move |io| yawc::connection(io, options.clone())).await
            }
            Peer::Sockudo => accept(listener, |io| sockudo::connection(io, compression)).await,
            Peer::Wtx => accept(listener, wtx::connection).await,
        }
    })
}

async fn accept<F>(listener: TcpListener, connection: impl Fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let (io, _) = listener.accept().await?;
        io.set_nodelay(true)?;
        tokio::spawn(connection(io));
    }
}

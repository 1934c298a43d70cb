//! An attack and its cost.

use std::{
    env, io,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use raw_client::opening;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{attacks::attacks, process::Process, server::Port};

/// One attack of a peer.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// The setting that ends or bounds it.
    pub(crate) limit: &'static str,
    pub(crate) port: Port,
    /// The path of the WebSocket that is opened first, if one is.
    pub(crate) opens: Option<&'static str>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) cost: Cost,
}

/// The measured value.
#[derive(Clone, Copy)]
pub(crate) enum Cost {
    /// The memory of one peer, when this number of peers send the bytes and nothing more.
    Held(usize),
    /// The CPU time of the bytes once, when this number of connections send them and end.
    Connections(usize),
    /// The CPU time of the bytes once, when one connection sends them this number of times.
    Times(usize),
    /// The same with a pause after each time, so that the server reads each of them alone.
    Apart(usize),
}

/// Prints the table.
pub(crate) async fn measure(rounds: usize) -> io::Result<()> {
    println!("| the peer (bytes sent) | cost | bounded by |\n| --- | ---: | --- |");
    for attack in attacks() {
        let mut figures = Vec::new();
        for _ in 0..rounds.max(1) {
            figures.push(attack.measure().await?);
        }
        figures.sort_by(f64::total_cmp);
        let (least, median, most) = (figures[0], figures[figures.len() / 2], figures[figures.len() - 1]);
        let unit = if matches!(attack.cost, Cost::Held(_)) { "KB" } else { "us" };
        let Attack { name, limit, bytes, .. } = attack;
        println!("| {name} ({} B) | {median:.2} {unit} | {limit} |", bytes.len());
        eprintln!("{name}: {least:.2} to {most:.2} {unit}");
    }
    Ok(())
}

impl Attack {
    async fn measure(&self) -> io::Result<f64> {
        let server = Server::start()?;
        let port = server.ports[self.port as usize];
        // The server allocates some memory once and keeps it.
        for _ in 0..5 {
            drop(self.peer(port).await?);
        }
        server.rest().await?;
        let (memory, time) = (server.process.resident()?, server.process.cpu_time()?);
        let count = match self.cost {
            Cost::Held(count) => {
                let mut peers = Vec::with_capacity(count);
                for _ in 0..count {
                    peers.push(self.peer(port).await?);
                }
                server.rest().await?;
                let grown = server.process.resident()?.saturating_sub(memory);
                return Ok(grown as f64 / count as f64 / 1000.0);
            }
            Cost::Connections(count) => {
                for _ in 0..count {
                    let mut peer = self.peer(port).await?;
                    if self.opens.is_none() {
                        // Until the server ends the connection, or sends nothing more.
                        let _ = timeout(Duration::from_millis(20), discard(&mut peer)).await;
                    }
                }
                count
            }
            Cost::Times(count) | Cost::Apart(count) => {
                let (mut input, mut output) = self.open(port).await?.into_split();
                let discarding = tokio::spawn(async move { discard(&mut input).await });
                for _ in 0..count {
                    output.write_all(&self.bytes).await?;
                    if matches!(self.cost, Cost::Apart(_)) {
                        sleep(Duration::from_micros(200)).await;
                    }
                }
                server.rest().await?;
                discarding.abort();
                count
            }
        };
        server.rest().await?;
        Ok((server.process.cpu_time()? - time) as f64 / count as f64 / 1000.0)
    }

    /// Returns a peer that has sent the bytes, or as many of them as the server reads.
    async fn peer(&self, port: u16) -> io::Result<TcpStream> {
        let mut peer = self.open(port).await?;
        let _ = timeout(Duration::from_secs(2), peer.write_all(&self.bytes)).await;
        Ok(peer)
    }

    async fn open(&self, port: u16) -> io::Result<TcpStream> {
        let mut peer = TcpStream::connect(("127.0.0.1", port)).await?;
        peer.set_nodelay(true)?;
        let Some(path) = self.opens else { return Ok(peer) };
        opening::open(&mut peer, path, OFFER).await?;
        Ok(peer)
    }
}

/// The offer of each WebSocket.
pub(crate) const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

async fn discard(input: &mut (impl AsyncReadExt + Unpin)) {
    let mut bytes = vec![0; 64 << 10];
    while input.read(&mut bytes).await.is_ok_and(|n| n > 0) {}
}

/// The process of a server. Dropping this ends it.
pub(crate) struct Server {
    child: Child,
    pub(crate) process: Process,
    pub(crate) ports: Vec<u16>,
}

impl Server {
    pub(crate) fn start() -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines().take(5);
        let ports = lines.map(|line| line?.parse().map_err(io::Error::other)).collect::<io::Result<_>>()?;
        Ok(Self { process: Process(child.id()), child, ports })
    }

    /// Waits until the server is idle.
    async fn rest(&self) -> io::Result<()> {
        loop {
            let before = self.process.cpu_time()?;
            sleep(Duration::from_millis(300)).await;
            if self.process.cpu_time()? - before < 1_000_000 {
                return Ok(());
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The process under test.

use std::{
    env,
    io::{self, BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
};

use crate::{compression::Compression, load::Target, peer::Peer, process};

/// One peer, running; dropping it ends it.
pub(crate) struct Server {
    child: Child,
    target: Target,
}

impl Server {
    /// Starts this program again as `peer`, and waits until it listens.
    pub(crate) fn start(peer: Peer, compression: Option<Compression>) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(["serve", peer.name()])
            .args(compression.map(|compression| compression.to_string()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line)?;
        let port = line.trim().parse().map_err(|_| io::Error::other(format!("{peer} does not listen")))?;
        let target = Target {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            process: process::Process(child.id()),
            is_raw: peer == Peer::Tcp,
            compression,
        };
        Ok(Self { child, target })
    }

    pub(crate) fn target(&self) -> Target {
        self.target
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

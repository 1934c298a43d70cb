//! The process under test.

use std::{
    env,
    io::{self, BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
};

use crate::{
    load::{Target, trust},
    peer::Peer,
    process,
    setup::Setup,
};

/// The process of one peer. Dropping it ends the process.
pub(crate) struct Server {
    child: Child,
    target: Target,
}

impl Server {
    /// Starts this program again as `peer`, and waits until it listens.
    pub(crate) fn start(peer: Peer, setup: Setup) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(["serve", peer.name()])
            .args(setup.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let port = words.next().and_then(|port| port.parse().ok());
        let port = port.ok_or_else(|| io::Error::other(format!("{peer} does not listen")))?;
        let tls = words.next().map(|certificate| trust(from_hex(certificate))).transpose()?;
        let target = Target {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            process: process::Process(child.id()),
            is_raw: peer == Peer::Tcp,
            setup,
            tls,
        };
        Ok(Self { child, target })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }
}

/// Returns the bytes of pairs of hexadecimal digits.
fn from_hex(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len() / 2).map(|pair| &digits[2 * pair..2 * pair + 2]);
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

impl Drop for Server {
    fn drop(&mut self) {
        // If the process has ended by itself, there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

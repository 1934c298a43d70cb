//! The server's process. It serves, and obeys commands on its standard input.

use std::{
    net::{Ipv4Addr, SocketAddr},
    panic,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    runtime::Handle,
};

use super::{
    handler::ON_PURPOSE,
    output::Output,
    ports::{self, Running},
    service::service,
};
use crate::HEAP;

/// The number of unintended panics.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Serves, and obeys commands, line by line: `stats`, `drain`, `stop`.
pub(crate) async fn run(keepalive: Duration) -> Result<(), String> {
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        if text.or(payload.downcast_ref::<String>().map(|text| &**text)) != Some(ON_PURPOSE) {
            PANICS.fetch_add(1, Ordering::Relaxed);
            told(panic);
        }
    }));
    let output = Output::new();
    let listen = |addr| ports::listen(addr).map_err(|error| error.to_string());
    let anywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let (plain, secure, drained) = (listen(anywhere)?, listen(anywhere)?, listen(anywhere)?);
    let port =
        |listener: &tokio::net::TcpListener| listener.local_addr().map(|addr| addr.port()).unwrap_or(0);
    let (tls, certificate) = ports::certificate()?;
    let service = service(keepalive, &output);
    let drained_port = port(&drained);
    let certificate: String = certificate.iter().map(|byte| format!("{byte:02x}")).collect();
    let ready = format!("ready {} {} {drained_port} {certificate}", port(&plain), port(&secure));
    let server = ports::start(plain, Some((secure, tls)), service.clone());
    let mut other = ports::start(drained, None, service.clone());
    output.say(ready);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match &*line {
            "stats" => output.say(stats(&[&server, &other])),
            "drain" => {
                other.end().await?;
                let listener = listen(SocketAddr::from((Ipv4Addr::UNSPECIFIED, drained_port)))?;
                other = ports::start(listener, None, service.clone());
                output.say("drained".to_owned());
            }
            "stop" => break,
            line => return Err(format!("unknown command {line:?}")),
        }
    }
    server.end().await?;
    other.end().await
}

/// Returns the open sockets, tasks, panics, and allocated bytes.
fn stats(servers: &[&Running]) -> String {
    let sockets: usize = servers.iter().map(|server| server.shutdown.connections()).sum();
    let tasks = Handle::current().metrics().num_alive_tasks();
    let (panics, heap) = (PANICS.load(Ordering::Relaxed), HEAP.current_usage());
    format!("stats {sockets} {tasks} {panics} {heap}")
}

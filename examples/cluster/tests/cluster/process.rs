//! Child processes that are killed when they are dropped.

use std::{
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// A process of the cluster.
pub(crate) struct Process {
    child: Child,
    pub(crate) addr: SocketAddr,
}

impl Process {
    pub(crate) async fn start(nats: Option<&Nats>) -> Self {
        Self::start_at(free_port(), nats).await
    }

    pub(crate) async fn start_at(port: u16, nats: Option<&Nats>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cluster"));
        command.args(["--port", &port.to_string()]).stdout(Stdio::piped()).kill_on_drop(true);
        if let Some(nats) = nats {
            command.args(["--nats", &nats.url]);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = soon(lines.next_line()).await.unwrap().expect("it starts");
        let addr = line.strip_prefix("listening on http://").unwrap().parse().unwrap();
        Self { child, addr }
    }

    /// Sends SIGKILL: the process cannot send anything more.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Sends SIGTERM, and waits until the process ends successfully.
    pub(crate) async fn terminate(mut self) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        assert!(soon(self.child.wait()).await.unwrap().success());
    }
}

/// A NATS server.
pub(crate) struct Nats {
    child: Child,
    url: String,
}

impl Nats {
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts a server. Prints that the test is skipped and returns `None` if nats-server is not
    /// installed.
    pub(crate) async fn start() -> Option<Self> {
        let program = find("nats-server")?;
        let port = free_port();
        let mut child = Command::new(program)
            .args(["-a", "127.0.0.1", "-p", &port.to_string()])
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        while !soon(lines.next_line()).await.unwrap().expect("it starts").contains("Server is ready") {}
        // The process continues to write to the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Some(Self { child, url: format!("nats://127.0.0.1:{port}") })
    }
}

/// Returns the path of a program. Prints that the test is skipped and returns `None` if it is not
/// installed.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian installs servers in directories that are only in root's path.
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = places.map(|place| place.join(name)).find(|program| program.is_file());
    if found.is_none() {
        let required = std::env::var_os("REQUIRE_SERVERS").is_some_and(|value| value == "1");
        assert!(!required, "{name} is not there, and REQUIRE_SERVERS=1 is set");
        // The test harness captures `eprintln!`.
        let _ = io::stderr().write_all(format!("SKIPPED: no {name}\n").as_bytes());
    }
    found
}

/// Returns a port that nothing listens on. It is below the ephemeral ports of the system, so no
/// other socket takes it while a server is down.
pub(crate) fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = std::process::id().wrapping_mul(64) + TRIED.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (next % 10_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Awaits `future`. Only a bug makes it exceed the timeout.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(30), future).await.expect("it takes 30 s")
}

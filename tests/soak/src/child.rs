//! The server's process, as seen by the clients' process.

use std::{process::Stdio, sync::Arc, sync::Mutex, sync::PoisonError, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::mpsc,
    time::timeout,
};

use crate::{ledger::Ledger, process::Process, record::Record};

/// How long the server may take to answer. This includes a drain.
const PATIENCE: Duration = Duration::from_secs(120);

/// The server's process.
pub(crate) struct Server {
    child: Child,
    stdin: ChildStdin,
    answers: mpsc::Receiver<String>,
    pub(crate) process: Process,
}

/// The statistics that the server reports.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stats {
    pub(crate) sockets: usize,
    pub(crate) tasks: usize,
    pub(crate) panics: usize,
    /// The number of allocated bytes.
    pub(crate) heap: usize,
}

impl Server {
    /// Starts it. Its reports about connections go into `ledger`.
    pub(crate) fn start(keepalive: Duration, ledger: Arc<Mutex<Ledger>>) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut child = Command::new(program)
            .args(["serve", &keepalive.as_secs().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("the server does not start: {error}"))?;
        let (Some(stdin), Some(stdout), Some(id)) = (child.stdin.take(), child.stdout.take(), child.id())
        else {
            return Err("the server has no pipes".to_owned());
        };
        let (send, answers) = mpsc::channel(16);
        tokio::spawn(async move {
            let mut lines = BufReader::with_capacity(1 << 16, stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                match line.strip_prefix("end ") {
                    Some(record) => {
                        let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
                        match Record::from_line(record) {
                            Some(record) => ledger.record(record),
                            None => ledger.find(format!("the server says {line:?}")),
                        }
                    }
                    None => drop(send.send(line).await),
                }
            }
        });
        Ok(Self { child, stdin, answers, process: Process(id) })
    }

    /// Returns the rest of the server's next line that begins with `word`.
    pub(crate) async fn hear(&mut self, word: &str) -> Result<String, String> {
        let line = timeout(PATIENCE, self.answers.recv()).await;
        let line = line.map_err(|_| "the server says nothing")?.ok_or("the server ended")?;
        let rest = line.strip_prefix(word).map(|rest| rest.trim().to_owned());
        rest.ok_or_else(|| format!("the server says {line:?}"))
    }

    pub(crate) async fn tell(&mut self, line: &str) -> Result<(), String> {
        let told = self.stdin.write_all(format!("{line}\n").as_bytes()).await;
        told.map_err(|error| format!("the server does not listen: {error}"))
    }

    pub(crate) async fn stats(&mut self) -> Result<Stats, String> {
        self.tell("stats").await?;
        let line = self.hear("stats").await?;
        let numbers: Vec<usize> = line.split(' ').filter_map(|number| number.parse().ok()).collect();
        match numbers[..] {
            [sockets, tasks, panics, heap] => Ok(Stats { sockets, tasks, panics, heap }),
            _ => Err(format!("the server says {line:?}")),
        }
    }

    /// Stops the server, which must exit successfully.
    pub(crate) async fn stop(&mut self) -> Result<(), String> {
        self.tell("stop").await?;
        let status = timeout(PATIENCE, self.child.wait()).await.map_err(|_| "the server does not end")?;
        let status = status.map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}")) }
    }
}

//! The server's output, line by line.

use std::io::Write;

use tokio::sync::mpsc;

/// The server's output, line by line, in order.
#[derive(Clone, Debug)]
pub(super) struct Output(mpsc::UnboundedSender<String>);

impl Output {
    /// Writes to the standard output, on a thread of its own.
    pub(super) fn new() -> Self {
        let (send, mut lines) = mpsc::unbounded_channel::<String>();
        std::thread::spawn(move || {
            let mut stdout = std::io::stdout().lock();
            while let Some(mut line) = lines.blocking_recv() {
                line.push('\n');
                // Without a reader of its output, the server has no purpose.
                if stdout.write_all(line.as_bytes()).is_err() || stdout.flush().is_err() {
                    std::process::exit(1);
                }
            }
        });
        Self(send)
    }

    pub(super) fn say(&self, line: String) {
        let _ = self.0.send(line);
    }
}

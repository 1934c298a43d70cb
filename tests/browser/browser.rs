//! Runs scripts that drive a browser.

use std::{io::Write, path::Path, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

/// Runs the script of this name with `args`. Fails unless it succeeds.
///
/// Without Node, Playwright or Chromium, prints that the test is skipped, and fails if
/// `REQUIRE_BROWSER=1` is set.
pub(crate) async fn run(script: &str, args: &[String]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script);
    if let Err(reason) = node(&script, &["--check".to_owned()]).await {
        let required = std::env::var_os("REQUIRE_BROWSER").is_some_and(|value| value == "1");
        assert!(!required, "no browser, and REQUIRE_BROWSER=1 is set: {reason}");
        // The test harness captures `eprintln!`.
        let _ = std::io::stderr().write_all(format!("SKIPPED: no browser: {reason}\n").as_bytes());
        return;
    }
    if let Err(told) = node(&script, args).await {
        panic!("{told}");
    }
}

async fn node(script: &Path, args: &[String]) -> Result<(), String> {
    let mut command = Command::new("node");
    command.arg(script).args(args).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(Duration::from_secs(120), command.output()).await;
    let output = output.map_err(|_| "the browser hangs")?.map_err(|error| format!("node: {error}"))?;
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(told.into_owned()) }
}

//! `examples/chat`, used by two people.

use std::{path::PathBuf, process::Stdio};

use tokio::process::Command;

use crate::browser::run;

/// Builds the example as this test was built. Returns its path, and the directory for screenshots.
async fn build() -> [String; 2] {
    // TARGET/PROFILE/deps/THIS_TEST
    let this = std::env::current_exe().unwrap();
    let profile: PathBuf = this.ancestors().nth(2).unwrap().into();
    let build = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--all-features", "--example", "chat", "--target-dir"])
        .arg(profile.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .status();
    assert!(build.await.unwrap().success());
    let pictures = profile.parent().unwrap().join("browser");
    std::fs::create_dir_all(&pictures).unwrap();
    [profile.join("examples/chat"), pictures].map(|path| path.into_os_string().into_string().unwrap())
}

#[tokio::test]
async fn two_pages_exchange_messages_and_reconnect_after_a_restart() {
    run("chat.mjs", &build().await).await;
}

//! `examples/chat`, as two people use it.

use std::{path::PathBuf, process::Stdio};

use tokio::process::Command;

use crate::browser::run;

/// The example, built as this test was, and where to put pictures.
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
async fn two_pages_talk_and_come_back_when_the_server_does() {
    run("chat.mjs", &build().await).await;
}

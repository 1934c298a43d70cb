//! One process, without NATS.

use crate::{client::Client, process::Process};

#[tokio::test]
async fn one_process_needs_no_nats() {
    let process = Process::start(None).await;
    let mut ada = Client::enter(process.addr, "Ada").await;
    let mut bob = Client::enter(process.addr, "Bob").await;
    ada.say("hello").await;
    bob.hears(&["hello".into()]).await;
    ada.hears(&["hello".into()]).await;
    assert_eq!(Client::refused(process.addr, "Ada", "another-key").await, 409);
    let eve = Client::enter(process.addr, "Eve").await;
    assert_eq!(eve.heard, ["hello"]);
    ada.until(|ada| ada.people.len() == 3).await;
    drop(eve);
    ada.until(|ada| ada.people.len() == 2).await;
    // SIGTERM closes the sockets with 1001. The process ends when all peers have answered.
    let (code, ()) = tokio::join!(
        async {
            let code = ada.closed().await;
            assert_eq!(bob.closed().await, 1001);
            drop((ada, bob));
            code
        },
        process.terminate()
    );
    assert_eq!(code, 1001);
}

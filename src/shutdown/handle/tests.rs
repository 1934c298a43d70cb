use std::time::Duration;

use super::Shutdown;

#[tokio::test]
async fn started_waits_for_either_kind_of_shutdown() {
    let spread = |shutdown: &Shutdown| shutdown.start_spread(Duration::from_secs(60));
    for start in [Shutdown::start, spread] {
        let shutdown = Shutdown::new();
        let waiting = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.started().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        start(&shutdown);
        waiting.await.unwrap();
        shutdown.started().await;
    }
}

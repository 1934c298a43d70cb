//! One runtime for all inputs, in paused time.

use std::{future::Future, pin::pin, time::Duration};

use tokio::{
    runtime::{Builder, Runtime},
    task::yield_now,
    time::timeout,
};

/// How much paused time may pass. More means that the future hangs.
const FOREVER: Duration = Duration::from_secs(3 * 24 * 3600);

thread_local! {
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
}

/// Runs `future` to its end, and checks that it ends, and that no task is left.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| {
        let output = runtime.block_on(async {
            let output = timeout(FOREVER, pin!(future)).await.expect("no future hangs");
            for _ in 0..100 {
                if runtime.metrics().num_alive_tasks() == 0 {
                    break;
                }
                yield_now().await;
            }
            output
        });
        assert_eq!(runtime.metrics().num_alive_tasks(), 0, "a task is left behind");
        output
    })
}

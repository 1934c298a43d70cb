use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, advance};

use super::{Action, Activity, BodyGuard, IdlePolicy, SocketStream, StreamGuard, WriteProgress};

const POLICIES: [IdlePolicy; 2] =
    [IdlePolicy::Http1(Duration::from_secs(60)), IdlePolicy::Http2(Duration::from_secs(60))];

const LONG: Duration = Duration::from_secs(90);

fn activity() -> Arc<Activity> {
    Arc::new(Activity::new(Arc::new(WriteProgress::new())))
}

#[tokio::test(start_paused = true)]
async fn connection_without_request_is_dropped() {
    let (start, activity) = (Instant::now(), activity());
    for policy in POLICIES {
        assert_eq!(policy.first_look(start + LONG), start + Duration::from_secs(60));
        assert_eq!(policy.first_look(start), start);
        assert_eq!(activity.action(start, policy, start + LONG), Action::Wait(start + LONG));
        assert_eq!(activity.action(start, policy, start), Action::Drop);
    }
    activity.on_request();
    for policy in POLICIES {
        assert_eq!(activity.action(start, policy, start), Action::Wait(start + Duration::from_secs(60)));
    }
}

#[tokio::test(start_paused = true)]
async fn idle_time_starts_when_no_stream_makes_progress() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let (activity, [_, policy]) = (activity(), POLICIES);
    activity.on_request();
    let [first, second] = [(); 2].map(|()| StreamGuard::new(&activity));
    assert_eq!(activity.action(at(100), policy, start), Action::Wait(at(160)));
    advance(Duration::from_secs(110)).await;
    drop(first);
    assert_eq!(activity.action(at(120), policy, start), Action::Wait(at(180)));
    advance(Duration::from_secs(10)).await;
    let body = BodyGuard::new(Arc::clone(&activity));
    assert_eq!(activity.action(at(160), policy, start), Action::Wait(at(180)));
    assert_eq!(activity.action(at(180), policy, start), Action::ShutDown);
    drop(body);
    assert_eq!(activity.action(at(200), policy, start), Action::Wait(at(260)));
    advance(Duration::from_secs(80)).await;
    drop(second);
    assert_eq!(activity.action(at(260), policy, start), Action::ShutDown);
}

#[test]
fn stream_is_blocked_while_only_its_task_is_left() {
    let activity = activity();
    let blocked = || activity.with(|counts| counts.blocked);
    // A rejected handshake has no task.
    drop(SocketStream::new(&activity).socket());
    assert_eq!(blocked(), 0);
    for is_socket_first in [false, true] {
        let stream = SocketStream::new(&activity);
        let socket = stream.socket();
        let task = stream.task();
        assert_eq!(blocked(), 0);
        if is_socket_first {
            drop(socket);
            assert_eq!(blocked(), 1);
            drop(task);
        } else {
            drop(task);
            assert_eq!(blocked(), 0);
            drop(socket);
        }
        assert_eq!(blocked(), 0);
    }
    let stream = SocketStream::new(&activity);
    drop(stream.socket());
    let task = stream.task();
    assert_eq!(blocked(), 1);
    drop(task);
    assert_eq!(blocked(), 0);
}

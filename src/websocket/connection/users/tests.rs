use tokio::time::{self, Instant};

use super::{BUDGET, MAX_CORKED, STEP, Users};

#[test]
fn work_is_counted_by_bytes_and_by_steps() {
    for bytes in [0, 1, 1000, BUDGET, usize::MAX] {
        let mut users = Users::new();
        let mut steps = 0;
        while !users.has_spent_budget() {
            users.count(bytes);
            steps += 1;
        }
        assert_eq!(steps, BUDGET.div_ceil(bytes.saturating_add(STEP)), "{bytes}");
        users.renew_budget();
        assert!(!users.has_spent_budget());
    }
}

#[test]
fn turn_begins_with_a_full_budget_and_a_new_number() {
    let mut users = Users::new();
    for turn in 1..4 {
        users.count(BUDGET);
        users.begin_turn();
        assert!(users.is_polling && !users.has_spent_budget() && users.turn == turn);
        users.end_turn();
        assert!(!users.is_polling);
    }
}

#[test]
fn messages_are_discarded_without_a_reader_or_while_closing() {
    let mut users = Users::new();
    for (has_reader, is_discarding) in [(true, false), (true, true), (false, false), (false, true)] {
        (users.has_reader, users.is_discarding) = (has_reader, is_discarding);
        assert_eq!(users.discards(), !has_reader || is_discarding);
    }
}

#[tokio::test(start_paused = true)]
async fn cork_ends_after_its_time_or_when_it_is_removed() {
    let mut users = Users::new();
    assert!(!users.is_cork_over());
    time::advance(MAX_CORKED).await;
    assert!(users.is_cork_over());
    assert!(users.is_cork_over(), "it stays so until the messages are written");
    users.uncork();
    assert!(!users.is_cork_over());
}

#[tokio::test(start_paused = true)]
async fn cork_counts_from_the_read_before_the_first_message() {
    let mut users = Users::new();
    users.has_read(Instant::now());
    time::advance(MAX_CORKED).await;
    assert!(!users.is_cork_over(), "the first message may always wait");
    users.has_read(Instant::now());
    assert!(users.is_cork_over(), "later reads do not extend the time");
    users.end_turn();
    users.begin_turn();
    assert!(!users.is_cork_over());
    assert!(!users.is_cork_over(), "an earlier turn does not count");
}

use super::{Budget, MESSAGE, STEP, TO_RECEIVE, TO_SEND};

#[test]
fn work_is_counted_by_bytes_and_by_steps() {
    let whole = TO_RECEIVE as usize;
    for bytes in [0, 1, 1000, whole, usize::MAX] {
        let mut budget = Budget::new();
        let mut steps = 0;
        while !budget.is_spent() {
            budget.count(bytes);
            steps += 1;
        }
        assert_eq!(steps, whole.div_ceil(bytes.saturating_add(STEP)), "{bytes}");
        assert!(!budget.is_sent());
        budget.renew();
        assert!(!budget.is_spent());
    }
}

#[test]
fn sent_messages_are_counted_apart() {
    let whole = TO_SEND as usize;
    for bytes in [0, 1, 1000, whole, usize::MAX] {
        let mut budget = Budget::new();
        let mut messages = 0;
        while !budget.is_sent() {
            budget.count_sent(bytes);
            messages += 1;
        }
        assert_eq!(messages, whole.div_ceil(bytes.saturating_add(MESSAGE)), "{bytes}");
        assert!(!budget.is_spent());
        budget.renew();
        assert!(!budget.is_sent());
    }
}

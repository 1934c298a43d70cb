use super::{MAX_YIELDS, Turn};

#[test]
fn turn_begins_with_a_full_budget_and_a_new_number() {
    let mut turn = Turn::new();
    for number in 1..4 {
        turn.budget.spend();
        turn.cork.hold_in_pause();
        turn.begin();
        assert!(turn.is_running() && turn.current() == Some(number) && turn.is_first() == (number == 1));
        assert!(!turn.budget.is_spent() && turn.cork.hold_in_pause());
        assert!(!turn.end());
        assert!(!turn.is_running() && turn.current().is_none() && !turn.is_first());
    }
}

#[test]
fn turn_has_one_rescue_at_a_time() {
    let mut turn = Turn::new();
    assert_eq!(turn.begin_rescue(), None);
    turn.begin();
    assert_eq!((turn.begin_rescue(), turn.begin_rescue()), (Some(1), None));
    assert!(turn.end());
    turn.begin();
    assert_eq!(turn.begin_rescue(), None, "the rescue of the first turn still runs");
    turn.end_rescue();
    assert_eq!(turn.begin_rescue(), Some(2));
}

#[test]
fn due_write_belongs_to_its_turn() {
    let mut turn = Turn::new();
    turn.note_write_due();
    assert!(!turn.take_write_due());
    turn.begin();
    turn.note_write_due();
    assert!(turn.take_write_due() && !turn.take_write_due());
    turn.note_write_due();
    turn.end();
    assert!(!turn.take_write_due());
}

#[test]
fn reader_that_has_yielded_yields_a_few_more_times() {
    let mut turn = Turn::new();
    assert!(!turn.has_yielded());
    for _ in 0..3 {
        turn.note_yield();
        let mut yields = 0;
        while turn.has_yielded() {
            turn.resume();
            if turn.budget.is_spent() {
                yields += 1;
                turn.budget.renew();
                turn.note_yield();
            }
        }
        assert_eq!(yields, MAX_YIELDS);
    }
}

use tungstenite::Error;

use super::Limits;

const LIMITS: Limits = Limits { max_message_size: 1000, max_frame_size: 600 };

#[test]
fn frames_and_messages_have_separate_limits() {
    for (payload, assembled, is_allowed) in [
        (600, 0, true),
        (601, 0, false),
        (600, 400, true),
        (600, 401, false),
        (0, 1000, true),
        (1, 1000, false),
        (u64::MAX, 1000, false),
    ] {
        let checked = LIMITS.check_plain(payload, assembled);
        assert_eq!(checked.is_ok(), is_allowed, "{payload} after {assembled}");
        assert!(matches!(checked, Ok(()) | Err(Error::Capacity(_))));
    }
}

#[test]
fn limits_apply_to_inflated_frames() {
    assert_eq!(LIMITS.inflated_frame(600), usize::MAX);
    assert_eq!(LIMITS.inflated_frame(601), 600);
    for (inflated, room, assembled, is_allowed) in [
        (1000, usize::MAX, 0, true),
        (1001, usize::MAX, 0, false),
        (600, 600, 400, true),
        (600, 600, 401, false),
        (600, 599, 0, false),
    ] {
        let checked = LIMITS.check_inflated(inflated, room, assembled);
        assert_eq!(checked.is_ok(), is_allowed, "{inflated} of {room} after {assembled}");
    }
}

#[test]
fn compression_may_make_a_frame_slightly_larger() {
    for (payload, is_allowed) in [(600, true), (600 + 75 + 9 + 16, true), (701, false), (u64::MAX, false)] {
        assert_eq!(LIMITS.check_compressed(payload).is_ok(), is_allowed, "{payload}");
    }
    let unlimited = Limits { max_message_size: usize::MAX, max_frame_size: usize::MAX };
    assert!(unlimited.check_compressed(u64::MAX).is_ok());
    assert!(unlimited.check_plain(u64::MAX, usize::MAX).is_ok());
}

use std::fmt;

use super::IntoFailure;

struct Chain;

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if f.alternate() { "outer: inner" } else { "outer" })
    }
}

#[test]
fn only_errors_have_a_text() {
    assert_eq!(().into_failure(), None);
    assert_eq!(Ok::<(), String>(()).into_failure(), None);
    assert_eq!(Err::<(), _>("why").into_failure().unwrap(), "why");
    assert_eq!(Err::<(), _>(Chain).into_failure().unwrap(), "outer: inner");
}

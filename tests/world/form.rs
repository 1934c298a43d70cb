//! The short and the long form of tests that try something many times.

/// Returns `long` if `LONG=1` is set, as in a step of `.ci/run`, and `short` otherwise.
pub(crate) fn by_form<T>(short: T, long: T) -> T {
    let is_long = std::env::var_os("LONG").is_some_and(|value| value == "1");
    if is_long { long } else { short }
}

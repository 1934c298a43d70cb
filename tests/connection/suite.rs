//! Checks that every test runs over both HTTP/1.1 and HTTP/2, or has a reason in `main.rs`.

use std::{fs, path::Path};

const MAIN: &str = include_str!("main.rs");
const RAW: &str = include_str!("raw.rs");

#[test]
fn every_test_of_the_open_connection_runs_over_each_transport() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/connection");
    let mut modules = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        modules += usize::from(text.contains("\nover_each_transport! {\n"));
        let has_others = ["raw.rs", "streams.rs"].iter().any(|name| path.ends_with(name));
        assert!(has_others || !text.contains("\n#[tokio::test"), "{path:?}: a test over one transport");
    }
    assert!(modules > 10, "{modules}");
}

#[test]
fn every_test_that_is_not_run_over_http2_has_its_reason() {
    let tests = RAW.split("#[tokio::test").skip(1);
    let names =
        tests.filter_map(|test| test.split_once("async fn ")?.1.split_once('(')).map(|(name, _)| name);
    assert_ne!(names.clone().count(), 0);
    for name in names {
        assert!(MAIN.contains(&format!("//! - `{name}`: ")), "{name} is left out without a reason");
    }
}

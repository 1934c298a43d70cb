//! Nothing that runs over HTTP/1.1 is forgotten over HTTP/2.

const HTTP1: &str = include_str!("../connection/main.rs");
const HTTP2: &str = include_str!("main.rs");
const RAW: &str = include_str!("../connection/raw.rs");

#[test]
fn every_module_of_the_open_connection_is_here() {
    let modules = HTTP1.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    for module in modules.filter(|module| !matches!(*module, "raw" | "transport")) {
        let path = format!("#[path = \"../connection/{module}.rs\"]\nmod {module};\n");
        assert!(HTTP2.contains(&path), "{module} is not run over HTTP/2");
    }
}

#[test]
fn every_test_that_is_not_here_has_its_reason() {
    let tests = RAW.split("#[tokio::test").skip(1);
    let names =
        tests.filter_map(|test| test.split_once("async fn ")?.1.split_once('(')).map(|(name, _)| name);
    assert_ne!(names.clone().count(), 0);
    for name in names {
        assert!(HTTP2.contains(&format!("//! | `{name}` | ")), "{name} is left out without a reason");
    }
}

//! What changes counts although the code is the same.

use std::{env, fmt, io, process::Command};

/// What built the program, what it runs on, and what counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Environment {
    /// The versions of rustc, valgrind and the C library.
    pub(crate) tools: String,
    /// As valgrind shows it.
    pub(crate) processor: String,
}

impl Environment {
    /// Returns that of this machine; `None` without valgrind.
    ///
    /// # Errors
    ///
    /// A tool that does not run: valgrind only where `REQUIRE_VALGRIND` is set.
    pub(crate) fn current() -> io::Result<Option<Self>> {
        let valgrind = match version("valgrind", &["--version"]) {
            Ok(valgrind) => valgrind,
            Err(_) if env::var_os("REQUIRE_VALGRIND").is_none() => return Ok(None),
            Err(error) => return Err(error),
        };
        let rustc = version("rustc", &["--version"])?;
        let libc = version("getconf", &["GNU_LIBC_VERSION"])?;
        let tools = format!("{rustc}, {valgrind}, {libc}");
        Ok(Some(Self { tools, processor: format!("{}{}", env::consts::ARCH, avx2()) }))
    }
}

fn version(program: &str, arguments: &[&str]) -> io::Result<String> {
    let in_words = |why: &dyn fmt::Display| io::Error::other(format!("{program} does not run: {why}"));
    let output = Command::new(program).args(arguments).output().map_err(|error| in_words(&error))?;
    if !output.status.success() {
        return Err(in_words(&output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Valgrind shows programs a processor of its own, which depends on the machine's only in this. So
/// on all machines with AVX2 the C library and Rust choose the same ways to copy and to compress.
fn avx2() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        return " with AVX2";
    }
    ""
}

//! Everything that changes the counts of the same code.

use std::{env, fmt, io, process::Command};

/// The tools that built the program and that count, and the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Environment {
    /// The versions of rustc, valgrind and the C library.
    pub(crate) tools: String,
    /// The processor, as valgrind emulates it.
    pub(crate) processor: String,
}

impl Environment {
    /// Returns the environment of this machine, or `None` without valgrind.
    ///
    /// # Errors
    ///
    /// Returns an error if a tool does not run. For valgrind, only if `REQUIRE_VALGRIND` is set.
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

/// Valgrind emulates a processor that depends on the machine's only in this feature. On all
/// machines with AVX2, the C library and Rust therefore choose the same ways to copy and to
/// compress.
fn avx2() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        return " with AVX2";
    }
    ""
}

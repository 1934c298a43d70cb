//! Measures a row: runs its rounds in a process under callgrind.

use std::{
    env,
    error::Error,
    io,
    path::PathBuf,
    process::{Command, Stdio},
};

use tokio::runtime::{Builder, Runtime};

use crate::{
    allocator::allocations,
    client::Round,
    cost::Cost,
    row::{ROWS, Row},
};

/// The rounds before those that are counted, in which buffers grow and caches fill.
const WARM_UP: usize = 20;

/// Returns the cost of each row.
///
/// # Errors
///
/// Returns an error if the process of a row cannot be started or fails.
pub(crate) fn all(has_valgrind: bool) -> Result<Vec<(String, Cost)>, Box<dyn Error>> {
    ROWS.iter().map(|row| Ok((row.name.to_owned(), cost(row, has_valgrind)?))).collect()
}

fn cost(row: &Row, has_valgrind: bool) -> Result<Cost, Box<dyn Error>> {
    let program = env::current_exe()?;
    let mut command = if has_valgrind {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--toggle-collect=*counted_rounds*"]);
        valgrind.arg(format!("--callgrind-out-file={}", profile(row)?.display()));
        valgrind.arg(program);
        valgrind
    } else {
        Command::new(program)
    };
    // The size of the environment moves the stack.
    command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
    let output = command.args(["run", row.name]).stdin(Stdio::null()).output()?;
    let (stdout, stderr) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    if !output.status.success() {
        return Err(format!("{}: {}\n{stderr}", row.name, output.status).into());
    }
    let per_unit =
        |total: &str| Ok::<_, Box<dyn Error>>(total.parse::<f64>()? / (row.rounds * row.per_round) as f64);
    let (count, bytes) = stdout.trim().split_once(' ').ok_or("no allocations")?;
    let instructions = has_valgrind.then(|| {
        let collected =
            stderr.lines().find_map(|line| line.split_once("Collected : ")).ok_or("no instructions")?.1;
        per_unit(collected.trim())
    });
    Ok(Cost {
        instructions: instructions.transpose()?,
        allocations: per_unit(count)?,
        bytes: per_unit(bytes)?,
    })
}

/// Returns the file with a row's profile, for `callgrind_annotate`.
///
/// # Errors
///
/// Returns an error if the path of this program is unknown.
pub(crate) fn profile(row: &Row) -> io::Result<PathBuf> {
    let name: String = row.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Ok(env::current_exe()?.with_file_name(format!("counts.{name}.callgrind")))
}

/// Runs the rounds of a row, and prints their allocations.
pub(crate) fn run(row: &Row) {
    // Time stands still: under callgrind, a burst would take longer than messages may wait.
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    let mut round = (row.open)(&runtime);
    for _ in 0..WARM_UP {
        round(&runtime);
    }
    let before = allocations();
    counted_rounds(&runtime, &mut round, row.rounds);
    let after = allocations();
    println!("{} {}", after.0 - before.0, after.1 - before.1);
}

/// callgrind counts this function, by its name.
#[inline(never)]
fn counted_rounds(runtime: &Runtime, round: &mut Round, rounds: usize) {
    for _ in 0..rounds {
        round(runtime);
    }
}

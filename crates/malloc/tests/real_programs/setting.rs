//! Where the programs run, and how much of them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use snugfit_testing::malloc_library;

/// The library, built once.
pub(crate) fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(malloc_library)
}

/// A folder for what one run makes.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder in the target folder")
}

/// Whether every program has to be there, and runs at full length.
pub(crate) fn all() -> bool {
    env::var_os("SNUGFIT_ALL_PROGRAMS").is_some_and(|value| value == "1")
}

/// How much a program is given to do.
pub(crate) fn length(short: usize, full: usize) -> usize {
    if all() { full } else { short }
}

/// Options that the library is to have beside those of every trial.
pub(crate) fn more_options() -> String {
    env::var("SNUGFIT_TRIAL_OPTIONS").unwrap_or_default()
}

/// A file of `tests/programs`.
pub(crate) fn input(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name)
}

/// Whether the programs are installed.
///
/// # Panics
/// If one is not although all have to be.
pub(crate) fn are_there(programs: &[&str]) -> bool {
    let Some(missing) = programs.iter().find(|program| path_of(program).is_none()) else { return true };
    skipped(&format!("`{missing}` is not installed"));
    false
}

/// Says that a test has nothing to run.
///
/// # Panics
/// If there has to be.
pub(crate) fn skipped(reason: &str) {
    assert!(!all(), "{reason}, and SNUGFIT_ALL_PROGRAMS is set; .ci/programs installs what is needed");
    eprintln!("skipped: {reason}");
}

/// Where a program is, by the search path.
fn path_of(program: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// A program that is to print the same wherever and whenever it runs.
pub(crate) fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    for variable in ["LD_PRELOAD", "SNUGFIT_OPTIONS", "SNUGFIT_ALL_PROGRAMS", "GIT_DIR", "GIT_WORK_TREE"] {
        command.env_remove(variable);
    }
    command.envs([("LC_ALL", "C.UTF-8"), ("TZ", "UTC"), ("GIT_CONFIG_GLOBAL", "/dev/null")]);
    command.env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

//! What the tests of several crates share: building the libraries, and C programs against them.
//!
//! Cargo builds no `cdylib` for a test, so a test that needs one asks for it here. It is the library that users get,
//! with the release profile.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Builds the library of `package` as its users do, and returns the folder that it is in.
///
/// # Panics
/// If it does not build.
#[must_use]
pub fn build(package: &str) -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--package", package])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .env("CARGO_TARGET_DIR", target())
        .output()
        .expect("cargo runs");
    assert!(built.status.success(), "{package} does not build:\n{}", text(&built.stderr));
    target().join("release")
}

/// The library to preload, built.
#[must_use]
pub fn malloc_library() -> PathBuf {
    build("snugfit-malloc").join("libsnugfit_malloc.so")
}

/// Where Cargo puts what it builds: a test lies in `TARGET/PROFILE/deps`.
fn target() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    test.ancestors().nth(3).expect("a test lies in `TARGET/PROFILE/deps`").to_path_buf()
}

/// Compiles a C program; `arguments` come behind the source, so libraries can be among them.
///
/// # Panics
/// If it does not compile.
pub fn compile<S: AsRef<OsStr>>(source: &Path, program: &Path, arguments: impl IntoIterator<Item = S>) {
    let compiled = Command::new("cc")
        .args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-builtin", "-pthread", "-o"])
        .args([program, source])
        .args(arguments)
        .output()
        .expect("a C compiler is installed as `cc`");
    assert!(compiled.status.success(), "{} does not compile:\n{}", source.display(), text(&compiled.stderr));
}

/// Runs a command to its end and returns what it printed.
///
/// # Panics
/// If it cannot be started.
pub fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"))
}

/// What a program printed, as text.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

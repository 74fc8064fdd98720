//! Runs the real program.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A small trace with every kind of operation; two blocks stay allocated.
pub(crate) const SMALL: &str =
    "0\n4\n9\n1\na 0 100\nc 1 3 70\nm 2 64 128\nr 0 5000\nf 1\na 1 0\nf 0\nr 2 9\na 3 12\n";

/// The program with these arguments.
pub(crate) fn snugfit<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snugfit"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs it to its end. Standard output and error are pipes.
pub(crate) fn run<const N: usize>(arguments: [&str; N]) -> Output {
    snugfit(arguments).output().expect("the program starts")
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the output is text")
}

/// Writes a trace and returns its path.
pub(crate) fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("the folder takes files");
    path.to_str().expect("the path is text").to_owned()
}

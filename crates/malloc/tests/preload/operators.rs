//! The `operator delete` family of C++.

use std::path::{Path, PathBuf};
use std::process::Command;

use snugfit_testing::{run, text};
use tempfile::TempDir;

use crate::program::{ends_well, folder, library};

/// A C++ program of `tests/c`, built.
fn build(name: &str) -> (TempDir, PathBuf) {
    let folder = folder();
    let program = folder.path().join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c").join(name).with_extension("cpp");
    let arguments = [
        "-std=gnu++17",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wno-sized-deallocation",
        "-Wno-free-nonheap-object",
        "-o",
    ];
    let compiled = run(Command::new("c++").args(arguments).args([&program, &source]));
    assert!(compiled.status.success(), "{}", text(&compiled.stderr));
    (folder, program)
}

fn preloaded(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("LD_PRELOAD", library()).env_remove("SNUGFIT_OPTIONS");
    command
}

#[test]
fn what_is_told_is_checked() {
    let (_folder, program) = build("delete");
    ends_well(&mut preloaded(&program));
    let cases = [
        ("sized", "operator delete", 0, "wrong size"),
        ("array", "operator delete[]", 0, "wrong size"),
        ("aligned", "operator delete", 16, "misaligned"),
        ("interior", "operator delete", 16, "interior pointer"),
    ];
    for (misuse, function, offset, what) in cases {
        let done = run(preloaded(&program).arg(misuse));
        let block = text(&done.stdout);
        let block = usize::from_str_radix(block.trim().trim_start_matches("0x"), 16).expect("an address");
        let at = block + offset;
        let said = text(&done.stderr);
        assert!(said.starts_with(&format!("snugfit: {function}({at:#x}): {what}")), "{misuse}: {said}");
    }
}

#[test]
fn a_program_keeps_its_own() {
    let (_folder, program) = build("own_delete");
    let done = ends_well(&mut preloaded(&program));
    assert_eq!(text(&done.stdout), "10 deleted\n");
}

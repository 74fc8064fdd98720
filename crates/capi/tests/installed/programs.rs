//! C programs that are linked with the libraries.

use std::process::{Command, Stdio};

use snugfit_testing::{compile, run, text};

use crate::installed::{Installed, assert_prints, source};

#[test]
fn every_call_does_what_it_says_in_c_and_in_cpp() {
    let installed = Installed::new();
    let program = installed.path("calls");
    let file = source("tests/c/calls.c");
    for (kind, arguments) in [("static", installed.link_statically()), ("shared", installed.link())] {
        compile(&file, &program, &arguments);
        assert_prints(&run(&mut Command::new(&program)), "every call does what it says\n", kind);
        let cpp_program = installed.path("calls_cpp");
        let compiled = run(Command::new("c++")
            .args(["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-x", "c++"])
            .arg(&file)
            .args(["-x", "none", "-o"])
            .arg(&cpp_program)
            .args(&arguments));
        assert!(compiled.status.success(), "{}", text(&compiled.stderr));
        assert_prints(&run(&mut Command::new(&cpp_program)), "every call does what it says\n", kind);
    }
}

#[test]
fn it_says_which_version_it_is() {
    let installed = Installed::new();
    let program = installed.path("version");
    for arguments in [installed.link_statically(), installed.link()] {
        compile(&source("tests/c/calls.c"), &program, &arguments);
        let said = run(Command::new(&program).arg("version"));
        assert_prints(&said, concat!(env!("CARGO_PKG_VERSION"), "\n"), "mem_version");
    }
}

#[test]
fn threads_share_it_and_forks_keep_it() {
    let installed = Installed::new();
    let program = installed.path("threads");
    for (kind, arguments) in [("static", installed.link_statically()), ("shared", installed.link())] {
        compile(&source("tests/c/threads.c"), &program, &arguments);
        assert_prints(&run(&mut Command::new(&program)), "nothing is lost\n", kind);
    }
}

#[test]
fn the_example_counts_words() {
    let installed = Installed::new();
    let program = installed.path("words");
    let input = "To each block its size, to each size its block; and to the end of it.\n".repeat(100);
    let text_file = installed.path("text");
    std::fs::write(&text_file, &input).expect("the folder takes files");
    for arguments in [installed.link_statically(), installed.link()] {
        compile(&source("examples/words.c"), &program, &arguments);
        let file = std::fs::File::open(&text_file).expect("the text is there");
        let done = run(Command::new(&program).stdin(Stdio::from(file)));
        assert!(text(&done.stdout).starts_with("300 to\n200 block\n200 each\n200 its\n200 size\n100 and\n"));
        assert!(done.status.success(), "{}", text(&done.stderr));
        assert!(text(&done.stderr).starts_with("10 words, ") && text(&done.stderr).ends_with(" 0 left\n"));
    }
}

#[test]
fn options_are_set_by_words() {
    let installed = Installed::new();
    let program = installed.path("words");
    compile(&source("tests/c/calls.c"), &program, installed.link_statically());
    assert_prints(&run(Command::new(&program).arg("options")), "", "mem_options");
}

#[test]
fn what_a_check_finds_ends_the_process_with_a_line() {
    use std::os::unix::process::ExitStatusExt;
    let installed = Installed::new();
    let program = installed.path("every");
    compile(&source("tests/c/calls.c"), &program, installed.link_statically());
    let done = run(Command::new(&program).arg("every"));
    let said = text(&done.stderr);
    assert_eq!(done.status.signal(), Some(libc::SIGABRT), "{said}");
    assert!(said.starts_with("snugfit: check: invariant 7: a seal does not fit its block, at 0x"), "{said}");
}

#[test]
fn wrong_pointers_end_the_process_with_a_line() {
    let installed = Installed::new();
    let program = installed.path("misuse");
    compile(&source("tests/c/calls.c"), &program, installed.link_statically());
    for (misuse, function, is_stack, offset, what) in [
        ("interior", "mem_free", false, 1, "interior pointer: 1 byte into the 112-byte block at "),
        ("usable", "mem_usable_size", false, 16, "interior pointer: 16 bytes into the 112-byte block at "),
        ("double", "mem_free", false, 0, "double free"),
        ("sized", "mem_free_sized", false, 0, "wrong size"),
        ("stack", "mem_resize", true, 0, "not from this allocator"),
    ] {
        use std::os::unix::process::ExitStatusExt;
        let done = run(Command::new(&program).arg(misuse));
        assert_eq!(done.status.signal(), Some(libc::SIGABRT), "{misuse}: {}", text(&done.stderr));
        let printed = text(&done.stdout);
        let pointers: Vec<&str> = printed.split_whitespace().collect();
        let start = pointers[usize::from(is_stack)];
        let at = usize::from_str_radix(start.trim_start_matches("0x"), 16).expect("an address") + offset;
        let block = if what.ends_with(' ') { start } else { "" };
        let said = text(&done.stderr);
        // The block that is concerned comes behind.
        let named = said.split("; ").next().unwrap_or_default().trim_end();
        assert_eq!(named, format!("snugfit: {function}({at:#x}): {what}{block}"));
    }
}

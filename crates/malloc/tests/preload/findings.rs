//! What `docs/findings.md` promises: each program in it ends with the line behind it.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use snugfit_testing::{compile, run, text};

use crate::program::{folder, library};

const DOCUMENT: &str = include_str!("../../../../docs/findings.md");

const BEFORE: &str = "#include <malloc.h>\n#include <stdlib.h>\n\
    void free_sized(void *, size_t);\nvoid free_aligned_sized(void *, size_t, size_t);\nint main(void) {\n";

/// The programs of the document, each with the line that it is to end with.
fn programs() -> impl Iterator<Item = (&'static str, &'static str)> {
    let after_fence =
        |text: &'static str, fence| text.split_once(fence).and_then(|(_, rest)| rest.split_once("\n```"));
    DOCUMENT.split("\n```c\n").skip(1).map(move |section| {
        let (program, rest) = section.split_once("\n```").expect("the program ends");
        let (line, _) = after_fence(rest, "\n```text\n").expect("a line follows");
        (program, line)
    })
}

/// `text` with every address written as in the document.
fn without_addresses(text: &str) -> String {
    let mut pieces = text.split("0x");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        text + "0x…" + piece.trim_start_matches(|digit: char| digit.is_ascii_hexdigit())
    })
}

#[test]
fn every_program_of_the_document_ends_with_its_line() {
    let folder = folder();
    let mut words = 0;
    for (number, (program, line)) in programs().enumerate() {
        let source = folder.path().join(format!("{number}.c"));
        std::fs::write(&source, format!("{BEFORE}{program}\nreturn 0;\n}}\n"))
            .expect("a file can be written");
        let path = folder.path().join(number.to_string());
        // What is wrong with them, the compiler sees too.
        compile(&source, &path, [OsStr::new("-w"), OsStr::new("-O0"), library().as_os_str()]);
        let options = program.lines().next().and_then(|line| line.strip_prefix("// SNUGFIT_OPTIONS="));
        let mut command = Command::new(&path);
        let done =
            run(command.env("LD_PRELOAD", library()).env("SNUGFIT_OPTIONS", options.unwrap_or_default()));
        assert_eq!(without_addresses(text(&done.stderr).trim_end()), line, "{program}");
        assert_eq!(done.status.signal(), Some(libc::SIGABRT), "{program}");
        words += 1;
    }
    assert!(words > 10, "{words} programs");
}

/// Each row of the table has a program.
#[test]
fn every_word_of_the_table_has_a_program() {
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let words: Vec<&str> = rows.map(|(words, _)| words).collect();
    assert!(words.len() > 5, "{words:?}");
    for words in words {
        assert!(programs().any(|(_, line)| line.contains(&format!(": {words}"))), "{words}");
    }
}

//! What the libraries show of themselves, and what they need of others.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use snugfit_testing::{run, text};

use crate::installed::Installed;

/// The global symbols that a library defines, by `nm` with these options.
fn symbols(options: &[&str], library: &Path) -> BTreeSet<String> {
    let listed = run(Command::new("nm").args(options).arg(library));
    assert!(listed.status.success(), "{}", text(&listed.stderr));
    text(&listed.stdout).lines().filter_map(|line| line.split(' ').nth(2).map(str::to_owned)).collect()
}

/// The functions that the header declares: each declaration is one line.
fn declared(installed: &Installed) -> BTreeSet<String> {
    let header =
        std::fs::read_to_string(installed.path("include/snugfit.h")).expect("the header is installed");
    let is_declaration = |line: &&str| line.ends_with(';') && line.contains('(') && !line.starts_with(' ');
    let declarations = header.lines().filter(is_declaration);
    let name = |line: &str| {
        let (before, _) = line.split_once('(').expect("a declaration");
        before.rsplit([' ', '*']).next().expect("a name").to_owned()
    };
    declarations.map(name).collect()
}

#[test]
fn the_libraries_define_what_the_header_declares_and_nothing_else() {
    let installed = Installed::new();
    let declared = declared(&installed);
    assert!(declared.len() >= 14 && declared.contains("mem_free"), "{declared:?}");
    assert_eq!(symbols(&["-D", "--defined-only"], &installed.path("lib/libsnugfit.so")), declared);
    assert_eq!(symbols(&["-g", "--defined-only"], &installed.path("lib/libsnugfit.a")), declared);
}

/// Not that they do not, but that they cannot: the compiler has found no way to it.
#[test]
fn nothing_in_them_panics_or_is_of_the_standard_library() {
    let installed = Installed::new();
    for library in ["lib/libsnugfit.so", "lib/libsnugfit.a"] {
        let listed =
            run(Command::new("nm").args(["--demangle", "--defined-only"]).arg(installed.path(library)));
        let all = text(&listed.stdout);
        assert!(all.contains("snugfit::"), "the symbols are there to be read");
        let is_unwanted = |line: &&str| ["panic", "_fail", "std::"].iter().any(|word| line.contains(word));
        let unwanted: Vec<_> = all.lines().filter(is_unwanted).collect();
        assert!(unwanted.is_empty(), "{library}: {unwanted:?}");
    }
}

/// The program's `malloc` and what uses it are left alone: they could be anything.
#[test]
fn they_need_no_other_allocator() {
    let installed = Installed::new();
    for (library, options) in [("lib/libsnugfit.so", ["-D", "-u"]), ("lib/libsnugfit.a", ["-g", "-u"])] {
        let listed = run(Command::new("nm").args(options).arg(installed.path(library)));
        let needed = text(&listed.stdout);
        assert!(needed.contains("U mmap") && needed.contains("U write"), "{library}: {needed}");
        for word in ["alloc", "free", "dl", "print", "tls", "getenv", "Unwind"] {
            assert!(!needed.contains(word), "{library}: {word} in {needed}");
        }
    }
}

//! What the library shows of itself, and what it needs of others.

use std::collections::BTreeSet;
use std::process::Command;

use snugfit_testing::{run, text};

use crate::program::{archive, library};

/// What a tool of the linker says of the library.
fn said_by(tool: &str, arguments: &[&str]) -> String {
    let done = run(Command::new(tool).args(arguments).arg(library()));
    assert!(done.status.success(), "{tool}: {}", text(&done.stderr));
    text(&done.stdout)
}

/// The names in what `nm` prints, without versions; those that are weak, and need not be there, left out.
fn names(nm: &str) -> BTreeSet<String> {
    let strong = nm.lines().filter(|line| !line.contains(" w "));
    let name = |line: &str| line.split_whitespace().last()?.split('@').next().map(str::to_owned);
    strong.filter_map(name).collect()
}

/// The words of the first block of code below `heading` in `docs/preload.md`.
fn documented(heading: &str) -> BTreeSet<String> {
    const TEXT: &str = include_str!("../../../../docs/preload.md");
    let section = TEXT.split_once(&format!("\n## {heading}\n")).expect("the section is there").1;
    let block = section.split("```").nth(1).expect("a block of code is in it");
    block.split_whitespace().skip(1).map(str::to_owned).collect()
}

#[test]
fn the_exports_are_the_documented_ones() {
    let exported = names(&said_by("nm", &["-D", "--defined-only"]));
    assert_eq!(exported, documented("Exported symbols"));
    assert!(exported.contains("malloc") && exported.len() > 10, "{exported:?}");
}

/// What an archive shows to those who link with it: its own parts see more of each other.
#[test]
fn the_archive_shows_the_same() {
    let symbols = run(Command::new("readelf").args(["--symbols", "--wide"]).arg(archive()));
    let is_shown = |words: &[&str]| matches!(words, [_, _, _, _, "GLOBAL" | "WEAK", "DEFAULT", section, _] if *section != "UND");
    let symbols = text(&symbols.stdout);
    let lines = symbols.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let shown: BTreeSet<_> = lines.filter(|words| is_shown(words)).map(|words| words[7].to_owned()).collect();
    assert_eq!(shown, documented("Exported symbols"));
}

/// Nothing that allocates on its own account, prints, or looks symbols up.
#[test]
fn what_it_needs_is_documented() {
    let needed = names(&said_by("nm", &["-D", "--undefined-only"]));
    let documented = documented("What it needs");
    let missing: Vec<_> = needed.difference(&documented).collect();
    assert!(missing.is_empty(), "not documented: {missing:?}");
    assert!(needed.contains("mmap") && needed.contains("write"), "{needed:?}");
    let exported = names(&said_by("nm", &["-D", "--defined-only"]));
    assert!(needed.is_disjoint(&exported), "it calls its own exports by name");
    for word in ["alloc", "free", "dl", "print", "tls", "getenv", "Unwind"] {
        assert!(!needed.iter().any(|name| name.contains(word)), "{word} among {needed:?}");
    }
}

/// Four words, reached without a call.
#[test]
fn its_thread_local_storage_is_small_and_static() {
    let headers = said_by("readelf", &["--program-headers", "--wide"]);
    let storage = headers.lines().find(|line| line.trim_start().starts_with("TLS")).expect("some");
    assert_eq!(storage.split_whitespace().nth(5), Some("0x000020"), "{storage}");
    assert!(said_by("readelf", &["--dynamic", "--wide"]).contains("STATIC_TLS"));
}

#[test]
fn it_is_named_and_never_unloaded() {
    let dynamic = said_by("readelf", &["--dynamic", "--wide"]);
    assert!(dynamic.contains("[libsnugfit_malloc.so.0]"), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
    let needed: Vec<_> = dynamic.lines().filter(|line| line.contains("(NEEDED)")).collect();
    assert!(needed.len() == 1 && needed[0].contains("[libc.so"), "{needed:?}");
    assert!(!dynamic.contains("SYMBOLIC") && !dynamic.contains("TEXTREL"), "{dynamic}");
}

/// Not that it does not, but that it cannot: the compiler has found no way to it.
#[test]
fn nothing_in_it_panics() {
    let all = said_by("nm", &["--demangle", "--defined-only"]);
    assert!(all.contains("snugfit"), "the symbols are there to be read");
    let panics: Vec<_> =
        all.lines().filter(|line| line.contains("panic") || line.contains("_fail")).collect();
    assert!(panics.is_empty(), "{panics:?}");
}

//! What `SNUGFIT_OPTIONS` asks for.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use snugfit_testing::{run, text};

use crate::program::{Program, ends_well};

/// Every key of a line, in order.
const KEYS: &str = "pid program allocations resizes frees live peak_live footprint peak_footprint heap_blocks \
                    direct_blocks direct_bytes system_calls valid";

/// Runs `tests/c/options.c`; the lines it left in `file`.
fn lines(program: &Program, options: &str, actions: &[&str], file: &Path) -> Vec<Value> {
    ends_well(program.preloaded().args(actions).env("SNUGFIT_OPTIONS", options));
    read(file)
}

/// All lines of a file, in the order of the exits.
fn read(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("there is a line for each process");
    assert!(text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

fn number(line: &Value, key: &str) -> u64 {
    line[key].as_u64().unwrap_or_else(|| panic!("no number `{key}` in {line}"))
}

/// What is said on standard error if the heap was damaged.
fn is_told(done: &Output) {
    let said = text(&done.stderr);
    assert_eq!(done.status.signal(), Some(libc::SIGABRT), "{said}");
    let violation = said.strip_prefix("snugfit: at exit: the heap is not valid: ");
    assert!(
        violation.is_some_and(|said| said.starts_with("invariant 7: ") && said.lines().count() == 1),
        "{said}"
    );
}

#[test]
fn a_process_leaves_a_line_that_adds_up() {
    let program = Program::new("options");
    let file = program.folder.path().join("stats");
    let options = format!("stats={}", file.display());
    let idle = &lines(&program, &options, &[], &file)[0];
    let busy = &lines(&program, &options, &["allocate"], &file)[1];
    for line in [idle, busy] {
        let keys: Vec<&str> = line.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut expected: Vec<&str> = KEYS.split_whitespace().collect();
        expected.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!((&line["program"], &line["valid"]), (&"options".into(), &Value::Null));
    }
    // 100 blocks of 1,000 bytes, half of them freed, the others made 2,000 bytes; and one of 10 MiB.
    let more = |key: &str| number(busy, key) - number(idle, key);
    assert_eq!([more("allocations"), more("resizes"), more("frees")], [101, 50, 50]);
    assert_eq!((more("direct_blocks"), more("heap_blocks")), (1, 50));
    assert!((10 << 20..11 << 20).contains(&more("direct_bytes")));
    let least = (10 << 20) + 50 * 2000;
    assert!((least..least + 100_000).contains(&more("live")), "{busy}");
    assert!(number(busy, "peak_live") >= number(busy, "live"));
    assert!(number(busy, "footprint") >= number(busy, "live"));
    assert!(number(busy, "peak_footprint") >= number(busy, "footprint"));
    assert!(more("system_calls") > 0);
}

#[test]
fn every_process_leaves_a_line_of_its_own() {
    let program = Program::new("options");
    let file = program.folder.path().join("stats");
    let options = format!("validate,stats={}", file.display());
    let all = lines(&program, &options, &["fork", "fork"], &file);
    assert_eq!(all.len(), 4);
    let children = all.iter().filter(|line| line["program"] == "child").count();
    assert_eq!(children, 3);
    let mut pids: Vec<u64> = all.iter().map(|line| number(line, "pid")).collect();
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 4);
    assert!(all.iter().all(|line| line["valid"] == true));
}

#[test]
fn a_name_that_is_no_text_makes_json_all_the_same() {
    let program = Program::new("options");
    let file = program.folder.path().join("stats");
    let options = format!("stats={}", file.display());
    assert_eq!(lines(&program, &options, &["name"], &file)[0]["program"], "a \"b\\c\"\n\u{FFFD}");
}

#[test]
fn the_environment_is_read_at_the_start() {
    let program = Program::new("options");
    let file = program.folder.path().join("stats");
    let options = format!("stats={}", file.display());
    assert_eq!(lines(&program, &options, &["forget", "chdir"], &file).len(), 1);
}

#[test]
fn a_heap_that_was_damaged_is_found_at_exit() {
    let program = Program::new("options");
    let file = program.folder.path().join("stats");
    is_told(&run(program.preloaded().arg("damage")));
    let options = format!("stats={},validate", file.display());
    is_told(&run(program.preloaded().arg("damage").env("SNUGFIT_OPTIONS", options)));
    assert_eq!(read(&file)[0]["valid"], false);
    // Nobody asked.
    ends_well(program.preloaded().arg("damage").env_remove("SNUGFIT_OPTIONS"));
    // Nor does anybody look if the process ends in a hurry.
    program.passes(["damage", "_exit"]);
}

#[test]
fn a_heap_that_was_damaged_is_found_after_so_many_calls() {
    let program = Program::new("options");
    // 200 calls and more come after the damage, and the process would end in a hurry.
    let actions = ["damage", "allocate", "_exit"];
    let done = run(program.preloaded().args(actions).env("SNUGFIT_OPTIONS", "check=100"));
    let said = text(&done.stderr);
    assert!(said.starts_with("snugfit: check: invariant 7: ") && said.lines().count() == 1, "{said}");
    assert!(!done.status.success());
    for options in ["check=1", "check=1,validate"] {
        ends_well(program.preloaded().arg("allocate").env("SNUGFIT_OPTIONS", options));
    }
    // It is not asked so often.
    ends_well(program.preloaded().args(actions).env("SNUGFIT_OPTIONS", "check=100000"));
}

#[test]
fn a_backtrace_follows_the_line() {
    let program = Program::new("options");
    let done = run(program.preloaded().arg("double_free").env("SNUGFIT_OPTIONS", "backtrace"));
    let said = text(&done.stderr);
    let mut lines = said.lines();
    assert!(lines.next().is_some_and(|line| line.contains("double free")), "{said}");
    let library = |line: &str| line.contains("libsnugfit_malloc") && line.contains("[0x");
    let of_program = |line: &str| line.contains("options") && line.contains("[0x");
    assert!(lines.clone().any(library) && lines.any(of_program), "{said}");
    assert!(!done.status.success());
    let done = run(program.preloaded().arg("double_free").env_remove("SNUGFIT_OPTIONS"));
    assert_eq!(text(&done.stderr).lines().count(), 1);
    ends_well(program.preloaded().arg("allocate").env("SNUGFIT_OPTIONS", "backtrace"));
}

#[test]
fn words_that_are_none_are_named_and_skipped() {
    let program = Program::new("options");
    let told = |options: &str, action: &str| {
        let done = run(program.preloaded().arg(action).env("SNUGFIT_OPTIONS", options));
        (done.status.success(), text(&done.stderr))
    };
    let unknown = |word: &str| {
        format!(
            "snugfit: SNUGFIT_OPTIONS: unknown word `{word}`; known are `validate`, `stats=PATH`, `arenas=N`, `backtrace`, \
             `check=N`, `headers`, `hardened`, `canary`, `fill`, `zero`, `quarantine`, `random`, `guard-pages`, `zero-size` and `guard=RATE`\n"
        )
    };
    assert_eq!(told("foo", ""), (true, unknown("foo")));
    assert_eq!(told("", "damage"), (true, String::new()));
    let (ended_well, said) = told("foo,stats=,validate", "damage");
    assert!(!ended_well && said.starts_with(&(unknown("foo") + &unknown("stats="))), "{said}");
    assert!(said.contains("at exit"), "{said}");
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let program = Program::new("options");
    let missing = program.folder.path().join("missing/stats");
    let done = run(program.preloaded().env("SNUGFIT_OPTIONS", format!("stats={}", missing.display())));
    let said = format!("snugfit: the statistics cannot be appended to `{}`\n", missing.display());
    assert_eq!((done.status.success(), text(&done.stderr)), (true, said));
    let long = "x".repeat(5000);
    let done = run(program.preloaded().env("SNUGFIT_OPTIONS", format!("stats={long}")));
    let said = "snugfit: SNUGFIT_OPTIONS: no path is as long as the one of `stats`\n";
    assert_eq!((done.status.success(), text(&done.stderr)), (true, said.to_owned()));
}

#[test]
fn in_a_program_with_its_own_malloc_nothing_happens() {
    let program = Program::new("own");
    let file = program.folder.path().join("stats");
    let options = format!("validate,foo,stats={}", file.display());
    ends_well(program.preloaded().env("SNUGFIT_OPTIONS", options));
    assert!(!file.exists());
}

//! The program itself: a few cases under two allocators, and what it refuses.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use snugfit_testing::{malloc_library, run, text};

fn misuse(arguments: &[&str]) -> Output {
    // The contender `snugfit` is looked for where this builds it.
    static LIBRARY: OnceLock<()> = OnceLock::new();
    LIBRARY.get_or_init(|| drop(malloc_library()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_snugfit-misuse"));
    // Children must not see what is preloaded into their parent. If this one did, they would say so.
    command.env("LD_PRELOAD", "/nonexistent/lib.so");
    run(command.args(arguments))
}

/// Runs the cases with `part` in their name, and the controls, under glibc and Snugfit; returns the JSON.
fn results_of(part: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let json = file(folder.path(), "misuse.json");
    let output = misuse(&["run", "--contenders", "glibc,snugfit", "--only", part, "--json", &json]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains(part), "{}", text(&output.stdout));
    serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap()
}

fn file(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("a temporary folder has a plain name").to_owned()
}

/// What became of a case under glibc and under Snugfit.
fn outcomes<'v>(results: &'v Value, case: &str) -> [&'v Value; 2] {
    let rows = results["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["case"] == case).unwrap_or_else(|| panic!("no {case}"));
    [&row["outcomes"][0], &row["outcomes"][1]]
}

fn verdicts<'v>(results: &'v Value, case: &str) -> [&'v str; 2] {
    outcomes(results, case).map(|outcome| outcome["verdict"].as_str().unwrap())
}

#[test]
fn a_double_free_is_caught_and_a_control_is_not() {
    let results = results_of("double-free/");
    for size in ["small", "medium", "large", "huge"] {
        let [_, snugfit] = outcomes(&results, &format!("double-free/{size}"));
        assert_eq!((&snugfit["verdict"], &snugfit["ended"]), (&"caught".into(), &"SIGABRT".into()), "{size}");
        assert!(snugfit["said"].as_str().unwrap().contains(": double free"), "{snugfit}");
    }
    // Since 2.29.
    assert_eq!(verdicts(&results, "double-free/small")[0], "caught");
    // A mapping that is no more.
    assert_eq!(verdicts(&results, "double-free/huge")[0], "crashed");
    let rows = results["rows"].as_array().unwrap();
    let controls: Vec<&Value> = rows.iter().filter(|row| row["is_control"] == true).collect();
    assert!(controls.len() >= 5);
    for row in controls {
        for outcome in row["outcomes"].as_array().unwrap() {
            assert!(["missed", "absent"].iter().any(|verdict| outcome["verdict"] == *verdict), "{row}");
        }
    }
    assert_eq!(results["totals"][1], serde_json::json!({"noticed": 4, "of": 4}));
    assert_eq!(results["kinds"][0]["kind"], "double free");
}

#[test]
fn what_has_no_effect_is_harmless() {
    let results = results_of("calloc-overflow");
    assert_eq!(verdicts(&results, "calloc-overflow"), ["harmless"; 2]);
    assert_eq!(results["totals"][0], serde_json::json!({"noticed": 1, "of": 1}));
}

#[test]
fn what_nobody_could_notice_does_not_count() {
    let results = results_of("read-freed");
    assert_eq!(verdicts(&results, "read-freed/small"), ["missed"; 2]);
    assert_eq!(verdicts(&results, "read-freed/large"), ["crashed"; 2]);
    assert_eq!(results["totals"][0], serde_json::json!({"noticed": 1, "of": 1}));
}

#[test]
fn the_operators_of_cpp_are_there_and_checked() {
    let results = results_of("delete-twice/small");
    assert_eq!(verdicts(&results, "delete-twice/small"), ["caught"; 2]);
}

#[test]
fn a_library_that_is_no_allocator_is_an_error_and_not_a_verdict() {
    // A library that is loaded, and has no malloc.
    let preload = format!("other={}", library_without_malloc());
    let output =
        misuse(&["run", "--contenders", "other", "--preload", &preload, "--only", "double-free/small"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("malloc is that of"), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("failed"), "{}", text(&output.stdout));
}

/// A library of the system that this test itself has loaded.
fn library_without_malloc() -> String {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let files = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    let mut others = files.filter(|file| file.contains("libgcc_s.so") || file.contains("libm.so"));
    others.next().expect("a Rust program has one of them").to_owned()
}

#[test]
fn wrong_usage_is_refused() {
    for (arguments, word) in [
        (&["run", "--contenders", "nobody"][..], "nobody"),
        (&["run", "--only", "nothing"], "`nothing`"),
        (&["run", "--preload", "nameless"], "NAME=PATH"),
        (&["run", "--contenders", "gone", "--preload", "gone=/nonexistent/lib.so"], "gone is missing"),
        (&["child", "nothing"], "`nothing`"),
    ] {
        let output = misuse(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(text(&output.stderr).contains(word), "{arguments:?}: {}", text(&output.stderr));
    }
}

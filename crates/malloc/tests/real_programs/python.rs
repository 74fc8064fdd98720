//! Python: test suites of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use snugfit_testing::text;

use crate::setting::{all, program, skipped};
use crate::trial::Trial;

/// A trial of a test suite; whichever of its tests fail, the same do with the library.
fn suite(name: &'static str) -> Option<(Trial, String)> {
    let Some(python) = python_with(name) else {
        skipped(&format!("no Python with `test.{name}` is installed"));
        return None;
    };
    Some((Trial::new(name, &["python3"]).judged(|folder, _| verdicts(&folder.join("report.xml"))), python))
}

/// The command that runs those tests of a suite that match one of the patterns, or all.
fn tests(python: &str, suite: &str, patterns: &[&str]) -> Command {
    let mut command = program(python);
    command.args(["-m", "test", suite, "--junit-xml", "report.xml"]);
    for pattern in patterns {
        command.args(["-m", pattern]);
    }
    command
}

/// A Python that has a test suite: the first on the search path, or the system's.
fn python_with(suite: &str) -> Option<String> {
    // What is on the path may be a script that looks for the program; this is the program.
    let code = format!("import sys, test.{suite}; print(sys.executable)");
    ["python3", "/usr/bin/python3"].into_iter().find_map(|python| {
        let done = program(python).args(["-c", &code]).output().ok()?;
        done.status.success().then(|| text(&done.stdout).trim().to_owned())
    })
}

/// Each test and what became of it, of a report in the format of JUnit.
fn verdicts(report: &Path) -> Vec<u8> {
    let report = fs::read_to_string(report).expect("the suite leaves a report");
    let mut lines: Vec<String> = report.split("<testcase ").skip(1).map(verdict).collect();
    assert!(!lines.is_empty(), "no tests in {report}");
    lines.sort_unstable();
    lines.join("\n").into_bytes()
}

/// One test and what became of it.
fn verdict(case: &str) -> String {
    let name =
        case.strip_prefix("name=\"").and_then(|rest| rest.split('"').next()).expect("a test has a name");
    let failed = case.contains("<failure") || case.contains("<error");
    let skipped = case.contains("<skipped");
    format!(
        "{name}: {}",
        if failed {
            "failed"
        } else if skipped {
            "skipped"
        } else {
            "passed"
        }
    )
}

/// Runs a whole suite.
fn whole(name: &'static str) {
    if let Some((trial, python)) = suite(name) {
        trial.compare(|| tests(&python, name, &[]));
    }
}

/// Runs a suite that mostly waits: those tests that match the patterns, or all if all programs are to run.
fn waiting(name: &'static str, patterns: &[&str]) {
    if let Some((trial, python)) = suite(name) {
        let patterns = if all() { &[] } else { patterns };
        trial.compare_at_once(|| tests(&python, name, patterns));
    }
}

#[test]
fn test_json() {
    whole("test_json");
}

#[test]
fn test_dict() {
    whole("test_dict");
}

#[test]
fn test_re() {
    whole("test_re");
}

#[test]
fn test_gc() {
    whole("test_gc");
}

#[test]
fn test_threading() {
    waiting("test_threading", &["ThreadTests"]);
}

#[test]
fn test_multiprocessing_fork() {
    waiting("test_multiprocessing_fork", &["WithProcessesTestQueue", "WithProcessesTestLock"]);
}

#[test]
fn a_test_that_fails_is_told_from_one_that_passes() {
    let failed = r#"name="a.B.c" status="run"><failure message="no" /></testcase>"#;
    let skipped = r#"name="a.B.c" status="run"><skipped>why</skipped></testcase>"#;
    assert_eq!(verdict(failed), "a.B.c: failed");
    assert_eq!(verdict(&failed.replace("failure", "error")), "a.B.c: failed");
    assert_eq!(verdict(skipped), "a.B.c: skipped");
    assert_eq!(verdict(r#"name="a.B.c" status="run" />"#), "a.B.c: passed");
}

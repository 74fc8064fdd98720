//! What `snugfit` says when something is wrong.

use crate::command::{SMALL, run, snugfit, text, write};

/// Runs with these arguments, expects exit code 2 and an empty standard output, and returns what was said.
fn refusal<const N: usize>(arguments: [&str; N]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
    text(&output.stderr).to_owned()
}

#[test]
fn a_damaged_trace_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let good = write(folder.path(), "good.rep", SMALL);
    let damaged = write(folder.path(), "damaged.rep", SMALL.replace("f 1", "f 7"));
    let expected =
        format!("snugfit: {damaged}:9: id 7 is out of range: the header states 4 ids, counted from 0\n");
    assert_eq!(refusal(["compare", &good, &damaged]), expected);
    assert_eq!(refusal(["--json", &good, &damaged]), expected);
}

#[test]
fn a_trace_that_is_cut_off_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let cut = write(folder.path(), "cut.rep", &SMALL[..SMALL.len() - 7]);
    let message = refusal([&cut]);
    let expected = "the trace is cut off: the header states 9 operations, but only 8 are here";
    assert_eq!(message, format!("snugfit: {cut}:12: {expected}\n"));
}

#[test]
fn a_missing_trace_is_named() {
    let message = refusal(["compare", "--json", "no/such.rep"]);
    assert!(message.starts_with("snugfit: no/such.rep: cannot open the trace: No such file"), "{message}");
}

#[test]
fn wrong_usage_is_explained() {
    assert!(refusal(["--strategy", "guess"]).contains("[possible values: list, tree, bins, system]"));
    assert!(refusal(["--passes", "0"]).contains("--passes"));
    assert!(refusal(["--no-such-option"]).contains("--help"));
}

#[test]
fn a_request_that_no_memory_can_serve_is_a_failure_of_the_measurement() {
    let folder = tempfile::tempdir().unwrap();
    let size = isize::MAX;
    let huge = write(folder.path(), "huge.rep", format!("0\n1\n1\n1\na 0 {size}\n"));
    for strategy in ["bins", "system"] {
        let output = run(["--strategy", strategy, &huge]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stdout), "");
        let message = text(&output.stderr);
        assert!(
            message.contains("huge: operation 0 (line 5): out of memory: 9223372036854775807"),
            "{message}"
        );
    }
}

#[test]
fn help_has_examples() {
    for arguments in [["--help"].as_slice(), &["compare", "--help"]] {
        let output = snugfit([]).args(arguments).output().unwrap();
        assert!(output.status.success());
        let help = text(&output.stdout);
        for word in ["Examples:", "--json", "--strategy", "--passes", "Possible values", "Exit code"] {
            assert!(help.contains(word), "{word} is missing in\n{help}");
        }
        assert!(!help.contains("standard input"), "the hidden command shows");
    }
}

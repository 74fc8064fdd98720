//! `snugfit compare`, as its users see it.

use std::io::Read;
use std::process::Stdio;

use crate::command::{SMALL, run, snugfit, text, write};
use serde_json::Value;
use snugfit_trace::Trace;

const STRATEGIES: [&str; 4] = ["list", "tree", "bins", "system"];

/// Runs with `--json`, and verifies what must hold of any output.
fn json<const N: usize>(arguments: [&str; N]) -> Vec<Value> {
    let output = run(arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "", "nothing is printed on standard error when it is not a terminal");
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).expect("one JSON array");
    for row in &rows {
        check_row(row);
    }
    rows
}

fn check_row(row: &Value) {
    let number = |key: &str| row[key].as_u64().unwrap_or_else(|| panic!("{key} is missing in {row}"));
    let utilization = row["utilization"].as_f64().unwrap();
    let quotient = number("peak_live_bytes") as f64 / number("peak_footprint_bytes") as f64;
    assert!((utilization - quotient).abs() < 1e-9, "{row}");
    assert!(utilization > 0.0 && utilization <= 1.0, "{row}");
    assert!(row["ns_per_op"].as_f64().unwrap() > 0.0, "{row}");
    assert!(row["trace"].is_string() && number("ops") > 0 && number("passes") > 0, "{row}");
    let parts = ["live_bytes", "header_bytes", "rounding_bytes", "free_bytes", "metadata_bytes"];
    if row["strategy"] == "system" {
        assert!(parts.iter().all(|part| row.get(part).is_none()), "{row}");
    } else {
        assert_eq!(parts.into_iter().map(number).sum::<u64>(), number("peak_footprint_bytes"), "{row}");
    }
}

fn column<'a>(rows: &'a [Value], key: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[key].as_str().unwrap()).collect()
}

#[test]
fn json_has_a_row_for_each_trace_and_strategy() {
    let folder = tempfile::tempdir().unwrap();
    let first = write(folder.path(), "first.rep", SMALL);
    let second = write(folder.path(), "second.rep", "0\n1\n2\n1\na 0 100000\nf 0\n");
    let rows = json(["compare", "--json", "--passes", "1", &first, &second]);
    assert_eq!(column(&rows, "strategy"), [STRATEGIES, STRATEGIES].concat());
    assert_eq!(column(&rows, "trace"), [["first"; 4], ["second"; 4]].concat());
    let of = |key: &str| rows.iter().map(|row| row[key].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(of("ops"), [9, 9, 9, 9, 2, 2, 2, 2]);
    assert_eq!(of("peak_live_bytes"), [5274, 5274, 5274, 5274, 100_000, 100_000, 100_000, 100_000]);
    assert_eq!(of("passes"), [1; 8]);
}

#[test]
fn the_bundled_traces_are_the_default() {
    let rows = json(["--json", "--passes", "1", "--strategy", "bins"]);
    assert_eq!(column(&rows, "trace"), ["cc1", "git", "lua5", "perl", "python3", "sqlite3"]);
    for row in rows {
        assert!(row["utilization"].as_f64().unwrap() > 0.8, "{row}");
    }
}

#[test]
fn strategies_are_chosen_by_name_and_run_once() {
    let folder = tempfile::tempdir().unwrap();
    let trace = write(folder.path(), "small.rep", SMALL);
    let rows = json(["--json", "--strategy", "system,tree", "--strategy", "tree", &trace]);
    assert_eq!(column(&rows, "strategy"), ["system", "tree"]);
    assert_eq!(rows[1]["passes"], 5);
}

#[test]
fn compressed_and_plain_traces_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut compressed = Vec::new();
    Trace::from_bytes("small", SMALL.as_bytes()).unwrap().write_gzip(&mut compressed).unwrap();
    let plain = write(folder.path(), "small.rep", SMALL);
    let compressed = write(folder.path(), "small.rep.gz", compressed);
    let rows = json(["compare", "--json", "--passes", "1", "--strategy", "bins", &plain, &compressed]);
    assert_eq!(column(&rows, "trace"), ["small", "small"]);
    assert_eq!(rows[0]["peak_footprint_bytes"], rows[1]["peak_footprint_bytes"]);
}

#[test]
fn a_trace_without_operations_is_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let trace = write(folder.path(), "empty.rep", "0\n0\n0\n1\n");
    let output = run(["compare", "--json", "--passes", "1", &trace]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows.len(), 4);
    assert!(run([&trace]).status.success());
}

#[test]
fn the_table_is_readable() {
    let folder = tempfile::tempdir().unwrap();
    let trace = write(folder.path(), "a-trace-with-a-rather-long-name.rep", SMALL);
    let output = run(["--passes", "2", &trace]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    let table = text(&output.stdout);
    for word in ["ns/op", "peak live", "footprint", "5.2 KiB", "a-trace-wit…", "geomean", "metadata"] {
        assert!(table.contains(word), "{word} is missing in\n{table}");
    }
    for strategy in STRATEGIES {
        assert_eq!(table.lines().filter(|line| line.contains(strategy)).count(), 2, "{table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 120), "{table}");
    assert!(!table.contains('\u{1B}'), "no colours in a pipe");
}

#[test]
fn a_reader_that_stops_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let trace = write(folder.path(), "small.rep", SMALL);
    let mut command = snugfit(["--passes", "1", &trace]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(errors, "");
}

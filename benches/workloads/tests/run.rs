//! The program itself: a small measurement, and what it refuses.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn workloads(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snugfit-workloads"));
    // Children must not see what is preloaded into their parent. If this one did, they would say so.
    command.env("LD_PRELOAD", "/nonexistent/lib.so");
    command.args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn file(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("a temporary folder has a plain name").to_owned()
}

fn names<'v>(values: &'v Value, key: &str) -> Vec<&'v str> {
    let values = values.as_array().expect("an array").iter();
    values.map(|value| value[key].as_str().expect("a name")).collect()
}

#[test]
fn a_small_measurement_as_table_json_and_picture() {
    let folder = tempfile::tempdir().unwrap();
    let [json, svg] = ["results.json", "results.svg"].map(|name| file(folder.path(), name));
    let small = ["run", "--quick", "--threads", "1,2", "--rounds", "1", "--only", "trees,strings"];
    let output =
        workloads(&[&small[..], &["--contenders", "glibc,snugfit", "--json", &json, "--svg", &svg]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    for word in ["trees", "strings", "glibc", "snugfit", "1 thread", "2 threads"] {
        assert!(table.contains(word), "{word}:\n{table}");
    }
    let results: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    check(&results);
    let picture = fs::read_to_string(&svg).unwrap();
    assert!(picture.contains("snugfit") && picture.contains("glibc"), "{picture}");
}

fn check(results: &Value) {
    assert_eq!(names(&results["contenders"], "name"), ["snugfit", "glibc"]);
    assert_eq!(results["reference"], "glibc");
    assert!(results["machine"]["cores"].as_u64().unwrap() > 0);
    assert_eq!(results["machine"]["command"][1], "run");
    let cells = results["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 2 * 2 * 2);
    for cell in cells {
        assert_eq!(cell["failure"], Value::Null, "{cell}");
        assert_eq!(cell["samples"].as_array().unwrap().len(), 1, "{cell}");
        let [time, rss] =
            ["nanoseconds", "peak_rss_bytes"].map(|key| cell["samples"][0][key].as_f64().unwrap());
        assert_eq!(cell["median_nanoseconds"], time, "{cell}");
        let utilisation = cell["utilisation"].as_f64().unwrap();
        let live = cell["median_peak_live_bytes"].as_f64().unwrap();
        assert!((utilisation - live / rss).abs() < 1e-9, "{cell}");
        assert!(time > 0.0 && live > 1e5 && utilisation < 1.1, "{cell}");
    }
    let operations = |threads: u64| -> u64 {
        let trees = |cell: &&Value| {
            (&cell["workload"], &cell["threads"], &cell["contender"])
                == (&Value::from("trees"), &Value::from(threads), &Value::from("glibc"))
        };
        cells.iter().find(trees).unwrap()["operations"].as_u64().unwrap()
    };
    assert_eq!(operations(2), 2 * operations(1), "the work is fixed for each thread");
    // For each number of threads, and over both.
    assert_eq!(results["means"].as_array().unwrap().len(), 3 * 2);
}

#[test]
fn peers_that_are_missing_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let json = file(folder.path(), "results.json");
    let small = ["run", "--quick", "--threads", "1", "--rounds", "1", "--only", "trees"];
    let output =
        workloads(&[&small[..], &["--preload", "mine=/nonexistent/lib.so", "--json", &json]].concat());
    // Whether those that are found in the system do their work is not the question here.
    assert!(
        text(&output.stderr).contains("mine.so is missing: /nonexistent/lib.so"),
        "{}",
        text(&output.stderr)
    );
    let results: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    assert!(names(&results["missing"], "name").contains(&"mine.so"), "{results}");
}

#[test]
fn a_library_that_is_no_allocator_is_an_error_and_not_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let json = file(folder.path(), "results.json");
    // A library that is loaded, and has no malloc.
    let preload = format!("other={}", math_library());
    let small = ["run", "--quick", "--threads", "1", "--rounds", "2", "--only", "trees"];
    let others = ["--contenders", "glibc,other.so", "--preload", &preload, "--json", &json];
    let output = workloads(&[&small[..], &others].concat());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("malloc is that of"), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("failed"), "{}", text(&output.stdout));
    let results: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    let failed =
        results["cells"].as_array().unwrap().iter().find(|cell| cell["contender"] == "other.so").unwrap();
    assert!(failed["samples"].as_array().unwrap().is_empty(), "{failed}");
    assert!(failed["failure"].as_str().unwrap().contains("malloc is that of"), "{failed}");
}

/// A library of the system that this test itself has loaded.
fn math_library() -> String {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let files = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    let mut others = files.filter(|file| file.contains("libgcc_s.so") || file.contains("libm.so"));
    others.next().expect("a Rust program has one of them").to_owned()
}

#[test]
fn wrong_usage_is_refused() {
    for (arguments, word) in [
        (&["run", "--contenders", "nobody"][..], "nobody"),
        (&["run", "--only", "nothing"], "nothing"),
        (&["run", "--threads", "0"], "1 to 1024"),
        (&["run", "--preload", "nameless"], "NAME=PATH"),
        (&["run", "--contenders", "snugfit", "--reference", "glibc"], "reference"),
    ] {
        let output = workloads(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(text(&output.stderr).contains(word), "{arguments:?}: {}", text(&output.stderr));
    }
}

//! The footprint that the heaps account for is the memory that the operating system sees.

use std::io::Write;
use std::process::Stdio;

use crate::command::snugfit;
use serde_json::Value;
use snugfit_trace::bundled;

/// Has the program measure a bundled trace in a process of its own.
fn footprint(strategy: &str, name: &str) -> Value {
    let trace = bundled().iter().find(|trace| trace.name == name).unwrap();
    let mut command = snugfit(["footprint", strategy]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(trace.bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn accounted_and_resident_agree() {
    for (strategy, name) in [("bins", "perl"), ("tree", "lua5"), ("bins", "cc1")] {
        let report = footprint(strategy, name);
        let accounted = report["accounted_bytes"].as_f64().unwrap();
        let resident = report["resident_bytes"].as_f64().unwrap();
        assert!((resident / accounted - 1.0).abs() < 0.03, "{strategy} on {name}: {report}");
    }
}

#[test]
fn the_system_has_a_footprint() {
    let report = footprint("system", "perl");
    assert!(report["accounted_bytes"].is_null());
    assert!(report["resident_bytes"].as_u64() >= report["peak_live_bytes"].as_u64());
}

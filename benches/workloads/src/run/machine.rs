//! Where and of what the measurement was taken.

use std::fs;
use std::process::Command;

use crate::report::Machine;

/// This machine, on which others have used that many processors.
pub(super) fn machine(others: Option<f64>) -> Machine {
    let first_line = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    Machine {
        cpu: fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model(&text)),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        kernel: first_line("/proc/sys/kernel/osrelease"),
        huge_pages: first_line("/sys/kernel/mm/transparent_hugepage/enabled").and_then(|text| chosen(&text)),
        processors_used_by_others: others,
        commit: commit(),
        command: std::env::args().collect(),
    }
}

fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Of `always [madvise] never`, the one in brackets.
fn chosen(text: &str) -> Option<String> {
    Some(text.split_once('[')?.1.split_once(']')?.0.to_owned())
}

/// The commit that is checked out, with `-dirty` behind it if that is not all.
fn commit() -> Option<String> {
    let mut command = Command::new("git");
    command.args(["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty", "--abbrev=40"]);
    command.args(["--exclude", "*"]);
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_what_the_first_processor_is_called() {
        let text = "processor\t: 0\nmodel name\t: A: B 9000\n\nprocessor\t: 1\nmodel name\t: other\n";
        assert_eq!(model(text).as_deref(), Some("A: B 9000"));
        assert_eq!(model("processor: 0\n"), None);
    }

    #[test]
    fn the_choice_is_in_brackets() {
        assert_eq!(chosen("always [madvise] never").as_deref(), Some("madvise"));
        assert_eq!(chosen("never"), None);
    }
}

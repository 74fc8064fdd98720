//! `snugfit run`.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use libc::SIGTERM;

use crate::command::{snugfit, text};

/// `snugfit run` with the library built, and these arguments behind it.
fn run_with(arguments: &[&str]) -> Command {
    let mut command = snugfit(["run", "--library"]);
    command.arg(snugfit_testing::malloc_library()).args(arguments);
    command.env_remove("LD_PRELOAD").env_remove("SNUGFIT_OPTIONS");
    command
}

fn output(command: &mut Command) -> Output {
    snugfit_testing::run(command)
}

#[test]
fn the_program_runs_on_the_library() {
    let done = output(&mut run_with(&["--", "sh", "-c", "cat /proc/self/maps; exit 7"]));
    assert_eq!(done.status.code(), Some(7));
    assert!(text(&done.stdout).contains("libsnugfit_malloc.so"), "{}", text(&done.stdout));
    assert_eq!(text(&done.stderr), "");
}

#[test]
fn it_becomes_the_program_or_tells_of_its_signal() {
    let killed = output(&mut run_with(&["sh", "-c", "kill -TERM $$"]));
    assert_eq!(killed.status.signal(), Some(SIGTERM));
    let told = output(&mut run_with(&["--stats", "sh", "-c", "kill -TERM $$"]));
    assert_eq!(told.status.code(), Some(128 + SIGTERM));
    assert!(text(&told.stderr).contains("no process reported"), "{}", text(&told.stderr));
}

#[test]
fn options_behind_the_program_are_the_programs() {
    let done = output(&mut run_with(&["echo", "--stats", "-n", "--help"]));
    assert_eq!(text(&done.stdout), "--stats -n --help\n");
}

#[test]
fn the_summary_has_a_row_for_each_process() {
    // `python3` is wherever this project is built. What it starts is another process, which holds three million bytes.
    let script = "import subprocess, sys\n\
                  subprocess.run([sys.executable, '-c', 'b = [bytes(1000) for _ in range(3000)]'])\n\
                  sys.exit(3)";
    let done = output(&mut run_with(&["--stats", "--", "python3", "-c", script]));
    let summary = text(&done.stderr);
    assert_eq!(done.status.code(), Some(3), "{summary}");
    // The program's own process comes first, the others by their size.
    let rows: Vec<&str> = summary.lines().filter(|line| line.contains(" python")).collect();
    assert!(rows.len() >= 2, "{summary}");
    let python = rows[1];
    let cells: Vec<&str> = python.split('│').skip(1).map(str::trim).collect();
    assert_eq!(cells.len(), 8, "{python}");
    let calls: usize = cells[2].parse().unwrap_or_else(|_| panic!("{python}"));
    assert!(calls > 3000, "{python}");
    // Three million bytes, and what an interpreter holds.
    let peak: f64 = cells[3].strip_suffix(" MiB").and_then(|peak| peak.parse().ok()).unwrap_or(0.0);
    assert!((3.0..30.0).contains(&peak), "{python}");
    assert!(cells[5].ends_with('%') && cells[6].parse::<usize>().is_ok(), "{python}");
}

#[test]
fn what_was_preloaded_and_said_before_stays() {
    let script = "echo $LD_PRELOAD; echo $SNUGFIT_OPTIONS";
    let mut command = run_with(&["--stats", "sh", "-c", script]);
    command.env("SNUGFIT_OPTIONS", "validate").env("LD_PRELOAD", "libc.so.6");
    let done = output(&mut command);
    let lines: Vec<&str> = text(&done.stdout).lines().collect();
    assert!(lines[0].ends_with("libsnugfit_malloc.so:libc.so.6"), "{lines:?}");
    assert!(lines[1].starts_with("stats=") && lines[1].ends_with(",validate"), "{lines:?}");
}

#[test]
fn without_the_library_it_says_what_builds_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let alone = folder.path().join("snugfit");
    std::fs::copy(env!("CARGO_BIN_EXE_snugfit"), &alone).expect("the program can be copied");
    let done = output(Command::new(alone).args(["run", "--", "true"]));
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(125), "{said}");
    assert!(said.contains("cargo build --release -p snugfit-malloc"), "{said}");
    assert!(said.contains(folder.path().to_str().expect("text")), "it says where it has looked: {said}");
}

#[test]
fn a_program_that_cannot_be_run_is_an_error() {
    for (stats, program, code) in
        [(false, "no-such-program", 127), (true, "no-such-program", 127), (false, "/", 126), (true, "/", 126)]
    {
        let arguments: &[&str] = if stats { &["--stats", program] } else { &[program] };
        let done = output(&mut run_with(arguments));
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{said}");
        assert!(said.starts_with(&format!("snugfit: cannot run `{program}`: ")), "{said}");
    }
}

#[test]
fn a_library_that_is_not_there_is_an_error() {
    let done = output(&mut snugfit(["run", "--library", "/nonexistent.so", "true"]));
    assert_eq!(done.status.code(), Some(125));
    assert_eq!(text(&done.stderr), "snugfit: there is no library at /nonexistent.so\n");
}

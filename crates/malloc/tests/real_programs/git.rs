//! Git: a long history shown, and packed.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;

use snugfit_testing::text;

use crate::setting::{are_there, input, length, program};
use crate::sources::write_history;
use crate::trial::Trial;

/// A trial in a repository with a history.
fn trial(name: &'static str) -> Option<Trial> {
    are_there(&["git", "bash"]).then(|| Trial::new(name, &["git"]).prepared(repository))
}

/// Makes a repository, without the library.
fn repository(folder: &Path) {
    let stream = File::create(folder.join("history")).expect("a file can be made");
    write_history(BufWriter::new(stream), length(200, 1500)).expect("a file can be written");
    let mut script = program("bash");
    script.arg("-c").arg("git init -q -b main repository && git -C repository fast-import --quiet <history");
    let done = script.current_dir(folder).output().expect("bash is there");
    assert!(done.status.success(), "{}", text(&done.stderr));
}

fn git(arguments: &[&str]) -> Command {
    let mut command = program("git");
    command.args(["-C", "repository"]).args(arguments);
    command
}

#[test]
fn git_log() {
    if let Some(trial) = trial("git log --stat") {
        trial.compare(|| git(&["log", "--stat", "-p"]));
    }
}

#[test]
fn git_gc() {
    if let Some(trial) = trial("git gc") {
        let script = || {
            let mut command = program("bash");
            command.arg(input("gc.sh"));
            command
        };
        trial.compare(script);
    }
}

//! Interpreters, each with a script of `tests/programs`.

use crate::setting::{are_there, input, length, program};
use crate::trial::Trial;

/// Runs a script, which is given how often it is to do its work.
fn script(interpreter: &'static str, reporting: &'static [&'static str], file: &str, rounds: usize) {
    if !are_there(&[interpreter]) {
        return;
    }
    Trial::new(interpreter, reporting).compare(|| {
        let mut command = program(interpreter);
        command.arg(input(file)).arg(rounds.to_string());
        command
    });
}

#[test]
fn perl() {
    script("perl", &["perl"], "work.pl", length(1, 10));
}

#[test]
fn bash() {
    script("bash", &["bash"], "work.sh", length(1, 8));
}

#[test]
fn node() {
    script("node", &["node"], "work.js", length(1, 8));
}

#[test]
fn lua() {
    script("lua5.4", &["lua5.4"], "work.lua", length(2, 20));
}

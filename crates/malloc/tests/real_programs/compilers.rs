//! The compilers of C and C++: the object files are the same, byte for byte.

use std::fs;
use std::process::Command;

use crate::setting::{are_there, input, length, program};
use crate::sources::c_program;
use crate::trial::Trial;

/// A trial of a compiler that writes `object`.
fn trial(name: &'static str, reporting: &'static [&'static str]) -> Trial {
    Trial::new(name, reporting)
        .judged(|folder, _| fs::read(folder.join("object")).expect("there is an object file"))
}

fn compile(compiler: &str, source: &str) -> Command {
    let mut command = program(compiler);
    command.args(["-O2", "-c", "-o", "object", source]);
    command
}

#[test]
fn gcc() {
    if !are_there(&["gcc"]) {
        return;
    }
    let trial = trial("gcc -O2", &["gcc", "cc1", "as"]).prepared(|folder| {
        fs::write(folder.join("large.c"), c_program(length(60, 400))).expect("a file can be written");
    });
    trial.compare(|| compile("gcc", "large.c"));
}

#[test]
fn gxx() {
    if !are_there(&["g++"]) {
        return;
    }
    let trial = trial("g++ -O2", &["g++", "cc1plus", "as"]).prepared(|folder| {
        // Beside the output, so that the object file names no folder.
        fs::copy(input("templates.cpp"), folder.join("templates.cpp")).expect("a file can be copied");
    });
    trial.compare(|| {
        let mut command = compile("g++", "templates.cpp");
        command.args(["-std=c++17", &format!("-DDEPTH={}", length(1, 8))]);
        command
    });
}

//! Programs that misuse `malloc`, under Snugfit and under its peers: which of them notices what.
//!
//! ```text
//!   run ─► for each case, each contender once
//!            │
//!            └► child: a process of its own, with or without a preloaded library
//!                 │    "begin" ── the misuse ── goes on allocating for a while ── "end"
//!                 └► how it ended
//!   verdict ◄── noticed, if the process died in between; harmless, if nothing came of it; else missed
//!   report  ◄── table, shares, JSON
//! ```

mod arguments;
mod calls;
mod cases;
mod child;
mod contender;
mod report;
mod run;
mod scene;
mod verdict;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(run) => run::run(&run),
        Command::Child(child) => child::run(&child),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If even this cannot be written, the exit code has to do.
            let _ = writeln!(io::stderr(), "snugfit-misuse: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! The classic workloads of the allocator literature, on Snugfit and on its peers, with one thread and with several,
//! in one interleaved run.
//!
//! ```text
//!   run ─► rounds ─► for each workload and number of threads, each contender once, in turn
//!                          │
//!                          └► child: a process of its own, with or without a preloaded library
//!                               │    prepare, warm up ── clock and resident memory ── run the workload
//!                               └► one line of JSON
//!   report ◄── medians, geometric means ── table, JSON, picture
//! ```
//!
//! What is not the contender's, the harness allocates elsewhere, see `aside`: tables of blocks and the like are in
//! nobody's time and in nobody's memory.

mod allocator;
mod arguments;
mod aside;
mod child;
mod contender;
mod counting;
mod report;
mod run;
mod workload;

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
            let _ = writeln!(io::stderr(), "snugfit-workloads: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! The `snugfit` command: replays what real programs asked of their allocator, and compares how the strategies of
//! this project, and the system's `malloc`, serve it.
//!
//! ```text
//!   traces ──► compare ──► contenders: a heap for each free index, and the system's malloc
//!                 │            │ check pass: every byte verified, footprint        timed passes, interleaved
//!                 │            └ the system's footprint: a process of its own (footprint)
//!                 └──────► rows ──► table, or JSON
//! ```
//!
//! The process has a single thread throughout, or the system's `malloc` would be timed with its locks.

mod arguments;
mod compare;
mod contender;
mod footprint;
mod mean;
mod output;
mod own_memory;
mod progress;
mod row;
mod strategy;
mod table;
mod units;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use snugfit_trace::TraceError;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If even this cannot be written, the exit code has to do.
            let _ = writeln!(io::stderr(), "snugfit: {error:#}");
            ExitCode::from(if error.is::<TraceError>() { 2 } else { 1 })
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        None => compare::run(&arguments.compare),
        Some(Command::Compare(compare)) => compare::run(&compare),
        Some(Command::Footprint(footprint)) => footprint::run(&footprint),
    }
}

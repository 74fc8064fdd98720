//! The `snugfit` command: replays what real programs asked of their allocator, and compares how the strategies of
//! this project, and the system's `malloc`, serve it. And it runs programs on the allocator (`snugfit run`).
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
mod run;
mod strategy;
mod table;
mod units;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use snugfit_trace::TraceError;

use arguments::{Arguments, Command};
use run::NotRun;

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            // If even this cannot be written, the exit code has to do.
            let _ = writeln!(io::stderr(), "snugfit: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<NotRun>() {
        Some(not_run) => not_run.exit_code(),
        None if error.is::<TraceError>() => 2,
        None => 1,
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        None => compare::run(&arguments.compare),
        Some(Command::Compare(compare)) => compare::run(&compare),
        Some(Command::Run(arguments)) => return run::run(&arguments),
        Some(Command::Footprint(footprint)) => footprint::run(&footprint),
    }
    .map(|()| ExitCode::SUCCESS)
}

//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::strategy::Strategy;

const EXAMPLES: &str = "\
Examples:
  snugfit                                  compare all strategies on the bundled traces
  snugfit compare my.rep other.rep.gz      compare them on traces of your own
  snugfit compare --strategy bins,system   only the default index and the system's malloc
  snugfit compare --json > result.json     for other programs
  snugfit run --stats -- python3 job.py    run a program on the allocator, and say what it took

Columns:
  ns/op      time per operation: the median of the timed passes
  peak live  the most bytes that were allocated at once, as asked for
  footprint  the most bytes the allocator ever touched at once, its own included
  util       peak live / footprint
  headers    and so on: where the footprint went, taken when it last rose. Headers of blocks; rounding, what blocks
             hold beyond what was asked for; free, the blocks in between; metadata, the heap itself. Of the system's
             malloc nothing is known but the growth of peak resident memory.

Exit code: 0 done, 1 a measurement failed, 2 wrong usage or a trace that is missing or damaged.";

const RUN_HELP: &str = "\
Examples:
  snugfit run -- python3 job.py            run it; this process becomes the program
  snugfit run --stats -- make -j2          run it, then say for each process what it took
  SNUGFIT_OPTIONS=validate snugfit run -- git gc
                                           check the whole heap at each exit

The library is that beside this command, or the one of --library. It is preloaded (LD_PRELOAD), so programs that are
statically linked or set-user-ID run without it.

Exit code: the program's own, 128 + N after signal N; 125 no library, 126 the program cannot be run, 127 there is none.";

/// Compares memory allocation strategies on recorded programs, and runs programs on the allocator.
#[derive(Debug, Parser)]
#[command(name = "snugfit", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) compare: Compare,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Replay traces with every strategy and print what it cost (the default)
    #[command(after_help = EXAMPLES)]
    Compare(Compare),
    /// Run a program with this allocator as its malloc
    #[command(after_help = RUN_HELP)]
    Run(Run),
    /// Measure the resident memory of one strategy in this process; the trace is read from standard input
    #[command(hide = true)]
    Footprint(Footprint),
}

#[derive(Args, Debug)]
pub(crate) struct Compare {
    /// Traces in .rep format, plain or compressed with gzip [default: the bundled ones]
    #[arg(value_name = "TRACE")]
    pub(crate) traces: Vec<PathBuf>,
    /// Print one JSON array of objects instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    /// What to compare, separated by commas
    #[arg(long, value_name = "NAME", value_enum, value_delimiter = ',', default_values_t = Strategy::ALL)]
    pub(crate) strategy: Vec<Strategy>,
    /// Timed passes; strategies that need long make fewer, but at least one
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) passes: u32,
}

#[derive(Args, Debug)]
pub(crate) struct Run {
    /// Print a summary to standard error at the end, a row for each process that has reported
    #[arg(long)]
    pub(crate) stats: bool,
    /// The library to preload [default: the one beside this command, or in ../lib]
    #[arg(long, value_name = "PATH")]
    pub(crate) library: Option<PathBuf>,
    /// The program and its arguments
    #[arg(value_name = "PROGRAM", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct Footprint {
    /// What to measure
    #[arg(value_enum)]
    pub(crate) strategy: Strategy,
    /// What to call the trace
    #[arg(long, default_value = "standard input")]
    pub(crate) name: String,
}

//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::contender::{Preload, Server};
use crate::workload::WorkloadName;

const EXAMPLES: &str = "\
Examples:
  snugfit-workloads run                                        everything there is
  snugfit-workloads run --threads 1,2 --only larson,trees      two workloads
  snugfit-workloads run --contenders snugfit,glibc --quick     to see that it runs
  snugfit-workloads run --preload mimalloc3=/opt/libmimalloc.so.3 --json r.json --svg r.svg

Contenders: crates by their names, called as a program calls its #[global_allocator]; `glibc`, the malloc of a process
without a preloaded library; and `NAME.so`, the malloc of a process that NAME is preloaded into.

Exit code: 0 done, 1 a run failed or nothing could be measured, 2 wrong usage.";

/// Runs the classic allocator workloads on Snugfit and on its peers.
#[derive(Debug, Parser)]
#[command(name = "snugfit-workloads", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure, and print tables
    #[command(after_help = EXAMPLES)]
    Run(Run),
    /// Run one workload once in this process, and print one line of JSON
    #[command(hide = true)]
    Child(Child),
}

#[derive(Args, Debug)]
pub(crate) struct Run {
    /// Numbers of threads, separated by commas
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 2, 4, 8], value_parser = thread_count)]
    pub(crate) threads: Vec<usize>,
    /// Runs of each contender in each place
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Only these workloads [default: all of them]
    #[arg(long, value_name = "WORKLOAD", value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<WorkloadName>,
    /// Only these contenders [default: all that are found]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) contenders: Vec<String>,
    /// One more library to preload, as the contender `NAME.so`; can be repeated
    #[arg(long, value_name = "NAME=PATH")]
    pub(crate) preload: Vec<Preload>,
    /// A sixteenth of the work
    #[arg(long)]
    pub(crate) quick: bool,
    /// Write everything that was measured to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Draw throughput against utilisation into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// The contender that ratios are to [default: mimalloc, or else mimalloc.so, or else glibc]
    #[arg(long, value_name = "NAME")]
    pub(crate) reference: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Child {
    #[arg(value_enum)]
    pub(crate) server: Server,
    #[arg(value_enum)]
    pub(crate) workload: WorkloadName,
    /// Number of threads
    #[arg(value_parser = thread_count)]
    pub(crate) threads: usize,
    /// What part of the full measure is done
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) divisor: u32,
    /// The library that `malloc` must be served by
    #[arg(long)]
    pub(crate) library: Option<PathBuf>,
}

fn thread_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1024) => Ok(count),
        _ => Err("a number from 1 to 1024".to_owned()),
    }
}

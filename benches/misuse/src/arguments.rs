//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::contender::Preload;

const EXAMPLES: &str = "\
Examples:
  snugfit-misuse run                                           everything there is
  snugfit-misuse run --only double-free                        the cases with this in their name
  snugfit-misuse run --contenders snugfit,glibc --json m.json  two contenders, and how each child ended
  snugfit-misuse run --preload scudo=/opt/libscudo.so          one contender more

Exit code: 0 done, 1 a case could not be run, or a control was noticed, 2 wrong usage.";

/// Runs programs that misuse malloc on Snugfit and on its peers, and tells who noticed.
#[derive(Debug, Parser)]
#[command(name = "snugfit-misuse", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the cases, and print a table
    #[command(after_help = EXAMPLES)]
    Run(Run),
    /// Do one misuse in this process
    #[command(hide = true)]
    Child(Child),
}

#[derive(Args, Debug)]
pub(crate) struct Run {
    /// Only these contenders [default: all that are found]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) contenders: Vec<String>,
    /// One more library to preload, as the contender `NAME`; can be repeated
    #[arg(long, value_name = "NAME=PATH")]
    pub(crate) preload: Vec<Preload>,
    /// Only cases with this in their name; the controls are always run
    #[arg(long, value_name = "SUBSTRING", default_value = "", hide_default_value = true)]
    pub(crate) only: String,
    /// Write every verdict, and how each child ended, to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Child {
    pub(crate) case: String,
    /// The library that `malloc` must be served by
    #[arg(long)]
    pub(crate) library: Option<PathBuf>,
}

//! Runs a program with the preloaded library as its `malloc`.
//!
//! Without `--stats` this process becomes the program. With it, it waits for the program, and for what its processes
//! report at their exits: each adds a line to a file that the library was told of.

mod library;
mod report;
mod summary;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus};

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

use crate::arguments;

/// The variable in which the library looks for words that change what it does.
const OPTIONS: &str = "SNUGFIT_OPTIONS";

/// The variable that names libraries to load before all others.
const PRELOAD: &str = "LD_PRELOAD";

/// Why the program did not run. It has the exit codes of `env` and the shells.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRun {
    #[error(transparent)]
    Library(#[from] library::NoLibrary),
    #[error("cannot run `{program}`: {error}")]
    Program { program: String, error: io::Error },
}

impl NotRun {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Library(_) => 125,
            Self::Program { error, .. } if error.kind() == ErrorKind::NotFound => 127,
            Self::Program { .. } => 126,
        }
    }
}

pub(crate) fn run(arguments: &arguments::Run) -> Result<ExitCode> {
    let library = library::find(arguments.library.as_deref()).map_err(NotRun::from)?;
    let (program, rest) = arguments.command.split_first().context("no program was named")?;
    let mut command = Command::new(program);
    command.args(rest).env(PRELOAD, joined(library.as_os_str(), ":", std::env::var_os(PRELOAD)));
    let not_run = |error| NotRun::Program { program: program.to_string_lossy().into_owned(), error };
    if !arguments.stats {
        return Err(not_run(command.exec()).into());
    }
    let reports = NamedTempFile::with_prefix("snugfit-").context("cannot make a file for the statistics")?;
    command.env(OPTIONS, joined(&stats_word(&reports), ",", std::env::var_os(OPTIONS)));
    let child = command.spawn().map_err(not_run)?;
    let main = child.id();
    let status = wait(child)?;
    let text = std::fs::read_to_string(reports.path()).context("cannot read the statistics back")?;
    let summary = summary::of(&report::read(&text)?, main);
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "{summary}");
    Ok(exit_code(status))
}

fn stats_word(reports: &NamedTempFile) -> OsString {
    let mut word = OsString::from("stats=");
    word.push(reports.path());
    word
}

/// `first`, and what was there before behind it.
fn joined(first: &OsStr, separator: &str, before: Option<OsString>) -> OsString {
    let mut all = first.to_owned();
    if let Some(before) = before.filter(|before| !before.is_empty()) {
        all.push(separator);
        all.push(before);
    }
    all
}

/// Waits for the program. The terminal sends interrupts to both processes: they are the program's to answer, and the
/// summary comes after its end.
fn wait(mut child: Child) -> Result<ExitStatus> {
    for signal in [libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: a disposition without a handler; the program was started before, with those of its parent.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    child.wait().context("cannot wait for the program")
}

/// The program's exit code, or that by which shells tell of its signal.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(125);
    ExitCode::from(u8::try_from(code).unwrap_or(125))
}

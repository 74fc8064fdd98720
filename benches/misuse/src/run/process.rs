//! Starts a child, and waits for it, but not for ever.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use wait_timeout::ChildExt;

use crate::contender::Contender;
use crate::verdict::{Ended, How};

/// What takes longer hangs.
const LIMIT: Duration = Duration::from_secs(10);

/// This program, as children run it.
pub(super) struct Process(PathBuf);

impl Process {
    pub(super) fn new() -> Result<Self> {
        std::env::current_exe().map(Self).context("cannot find this program")
    }

    /// Does the case of that name under `contender`.
    ///
    /// # Errors
    /// If the child cannot be started. Whatever else becomes of it is a result.
    pub(super) fn run(&self, case: &str, contender: &Contender) -> Result<Ended> {
        let mut command = Command::new(&self.0);
        command.args(["child", case]);
        // No options of any allocator but ours.
        command.env_clear();
        if let Some(library) = &contender.library {
            command.env("LD_PRELOAD", library).arg("--library").arg(library);
        }
        if let Some(options) = contender.options {
            command.env("SNUGFIT_OPTIONS", options);
        }
        run(command, LIMIT).with_context(|| format!("{case} under {}", contender.name))
    }
}

/// Runs a command that prints little.
fn run(mut command: Command, limit: Duration) -> Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start a child")?;
    let how = wait(&mut child, limit).context("cannot wait for a child")?;
    Ok(Ended { how, said: text(child.stdout.take()), errors: text(child.stderr.take()) })
}

/// Waits; if that is in vain, kills.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<How> {
    if let Some(status) = child.wait_timeout(limit)? {
        return Ok(how(status));
    }
    child.kill()?;
    child.wait()?;
    Ok(How::TimedOut)
}

fn how(status: ExitStatus) -> How {
    match (status.code(), status.signal()) {
        (Some(code), _) => How::Exit(code),
        (None, signal) => How::Signal(signal.unwrap_or_default()),
    }
}

fn text(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What cannot be read cannot be told.
        let _ = pipe.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_it_printed_comes_back_with_how_it_ended() {
        let ended = run(shell("echo out; echo error >&2; exit 3"), LIMIT).unwrap();
        let expected = Ended { how: How::Exit(3), said: "out\n".to_owned(), errors: "error\n".to_owned() };
        assert_eq!(ended, expected);
        assert_eq!(run(shell("kill -SEGV $$"), LIMIT).unwrap().how, How::Signal(libc::SIGSEGV));
    }

    #[test]
    fn what_does_not_end_is_ended() {
        let ended = run(shell("echo begin; exec sleep 1000"), Duration::from_millis(100)).unwrap();
        assert_eq!(ended.how, How::TimedOut);
    }
}

//! Starts a child, and waits for it, but not for ever.

use std::io::{Read, Result as IoResult};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use wait_timeout::ChildExt;

use crate::child::Outcome;
use crate::contender::Contender;
use crate::workload::WorkloadName;

/// What no run may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `workload` once on `contender`, in a process of its own. If that fails, says how.
pub(super) fn measure(
    program: &Path,
    contender: &Contender,
    workload: WorkloadName,
    threads: usize,
    divisor: u32,
) -> Result<Outcome, String> {
    let mut command = Command::new(program);
    command.args(["child", contender.server.name(), workload.name()]);
    command.args([threads.to_string(), divisor.to_string()]);
    // What is preloaded here is not what is to be measured there.
    command.env_remove("LD_PRELOAD");
    if let Some(library) = &contender.library {
        command.env("LD_PRELOAD", library).arg("--library").arg(library);
    }
    let (status, out, error) = run(command, LIMIT)?;
    if !status.success() {
        return Err(format!("{status}: {}", last_line(&error)));
    }
    serde_json::from_str(&out).map_err(|wrong| format!("said `{}`: {wrong}", last_line(&out)))
}

/// Runs a command that prints little. Returns how it ended and what it printed.
fn run(mut command: Command, limit: Duration) -> Result<(ExitStatus, String, String), String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let status = wait(&mut child, limit).map_err(|error| format!("cannot be waited for: {error}"))?;
    let Some(status) = status else { return Err(format!("timed out after {} s", limit.as_secs())) };
    Ok((status, text(child.stdout.take()), text(child.stderr.take())))
}

/// Waits; `None` if that was in vain, and the child had to be killed.
fn wait(child: &mut Child, limit: Duration) -> IoResult<Option<ExitStatus>> {
    let status = child.wait_timeout(limit)?;
    if status.is_none() {
        child.kill()?;
        child.wait()?;
    }
    Ok(status)
}

fn text(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What cannot be read cannot be told.
        let _ = pipe.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn last_line(text: &str) -> &str {
    text.trim_end().lines().last().unwrap_or("it said nothing")
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
        let (status, out, error) = run(shell("echo out; echo error >&2; exit 3"), LIMIT).unwrap();
        assert_eq!((status.code(), &out[..], last_line(&error)), (Some(3), "out\n", "error"));
        let (status, ..) = run(shell("kill -SEGV $$"), LIMIT).unwrap();
        assert!(status.to_string().contains("SIGSEGV"), "{status}");
    }

    #[test]
    fn what_does_not_end_is_ended() {
        let timed_out = run(shell("exec sleep 1000"), Duration::from_millis(10)).unwrap_err();
        assert!(timed_out.contains("timed out"), "{timed_out}");
    }
}

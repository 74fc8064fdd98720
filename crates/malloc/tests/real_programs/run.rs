//! One run of a program.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::setting::folder;

/// A run that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(600);

/// What came of a run.
pub(crate) struct Done {
    pub(crate) status: ExitStatus,
    /// What it printed, if nothing else counts.
    pub(crate) verdict: Vec<u8>,
    /// What it wrote to standard error.
    pub(crate) complaints: Vec<u8>,
}

/// Runs a program in a folder, to its end.
///
/// # Panics
/// If it has none.
pub(crate) fn run(mut command: Command, place: &Path) -> Done {
    let outputs = folder();
    let [printed, complaints] = ["printed", "complaints"].map(|name| outputs.path().join(name));
    let output = |path| Stdio::from(File::create(path).expect("a file can be made"));
    command.current_dir(place).stdin(Stdio::null()).stdout(output(&printed)).stderr(output(&complaints));
    // A group of its own, so that nothing is left of a run that hangs.
    let child = command.process_group(0).spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    let Some(status) = end(child) else {
        panic!("{command:?} hangs: {}", fs::read_to_string(&complaints).unwrap_or_default());
    };
    let read = |path| fs::read(path).expect("a file that was made can be read");
    Done { status, verdict: read(printed), complaints: read(complaints) }
}

/// Waits for the end of a process; if it does not come, ends its group.
fn end(mut child: Child) -> Option<ExitStatus> {
    let started = Instant::now();
    while started.elapsed() < LONGEST {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        sleep(Duration::from_millis(5));
    }
    let group = i32::try_from(child.id()).expect("a process has a number of 31 bits");
    // SAFETY: the group is that of a child which nobody has waited for, so the number is still its own.
    unsafe { libc::kill(-group, libc::SIGKILL) };
    child.wait().expect("a child can be waited for");
    None
}

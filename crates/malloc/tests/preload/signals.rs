//! Signal handlers that allocate.

use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use snugfit_testing::{run, text};

use crate::program::Program;

/// What is said before the process ends.
const MESSAGE: &str = "snugfit: a signal handler allocates or frees memory while the thread that it interrupted does: \
                       malloc is not async-signal-safe\n";

fn is_told(done: &Output) -> bool {
    done.status.signal() == Some(libc::SIGABRT) && text(&done.stderr) == MESSAGE
}

/// With the trap flag of the processor, the handler runs after every single instruction, so also inside the allocator.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_handler_that_interrupts_an_allocation_is_told() {
    let done = run(Program::new("signals").preloaded().arg("step-locked"));
    assert!(is_told(&done), "{done:?}");
}

/// On the fast paths there is no lock to find taken: a handler that frees what it allocates does no harm there.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_handler_that_interrupts_a_fast_path_goes_on() {
    for argument in ["step", "step-recent"] {
        let done = run(Program::new("signals").preloaded().arg(argument));
        assert!(done.status.success() && done.stderr.is_empty(), "{argument}: {done:?}");
    }
}

#[test]
fn handlers_never_hang() {
    let done = run(Program::new("signals").preloaded().arg("storm"));
    // Should no signal ever meet an allocation, the program ends well.
    let ended_well = done.status.success() && done.stderr.is_empty();
    assert!(ended_well || is_told(&done), "{done:?}");
}

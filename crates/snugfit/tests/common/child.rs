//! Children: processes with one thread, in which nothing was allocated yet.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::AsRawFd;

use libc::c_int;

/// How a child ended, and what it said.
pub struct Ended {
    /// What it wrote to the pipe that it was given.
    pub said: String,
    /// What it wrote to standard error.
    pub errors: String,
    status: c_int,
}

impl Ended {
    /// The line that it ended with, without the block that is concerned, which comes last (`findings.rs` looks at that).
    pub fn what(&self) -> &str {
        self.errors.split("; ").next().unwrap_or_default().trim_end()
    }

    pub fn is_aborted(&self) -> bool {
        self.signal() == Some(libc::SIGABRT)
    }

    /// The signal that ended it.
    pub fn signal(&self) -> Option<c_int> {
        libc::WIFSIGNALED(self.status).then_some(libc::WTERMSIG(self.status))
    }

    /// Whether it has come to its end, and its test has passed.
    pub fn is_well(&self) -> bool {
        libc::WIFEXITED(self.status) && libc::WEXITSTATUS(self.status) == 0
    }

    /// How it ended, in words.
    pub fn how(&self) -> String {
        if libc::WIFSIGNALED(self.status) {
            format!("signal {}", libc::WTERMSIG(self.status))
        } else {
            format!("status {}", libc::WEXITSTATUS(self.status))
        }
    }
}

/// A child hangs for ever, or grows until others suffer, only if the allocator is broken.
const SECONDS: u32 = 300;

/// Runs each test in a child process; fails if one fails. Arguments that are no options choose tests by a part of their
/// name.
pub fn run_in_children(tests: &[(&str, fn())]) {
    run_all(tests, |(name, _)| name, |(_, test)| passes(test));
}

/// Whether `test` passes in a child.
#[must_use]
pub fn passes(test: impl FnOnce()) -> bool {
    wait_for(fork(|| finish(test))) == 0
}

/// Runs `passes` with each of the cases whose name is asked for.
pub fn run_all<C>(cases: &[C], name: impl Fn(&C) -> &str, passes: impl Fn(&C) -> bool) {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    let mut failed = 0;
    for case in cases.iter().filter(|case| is_chosen(name(case))) {
        let passed = passes(case);
        println!("test {} ... {}", name(case), if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    assert_eq!(failed, 0, "tests failed");
}

/// Runs `test` in a child whose standard error, and a pipe for other things, are listened to.
pub fn listen(test: impl FnOnce(&mut PipeWriter)) -> Ended {
    let (said, mut say) = pipe().expect("a pipe");
    let (errors, stderr) = pipe().expect("a pipe");
    let child = fork(|| {
        // SAFETY: the pipe takes the place of standard error, in this child.
        unsafe { libc::dup2(stderr.as_raw_fd(), libc::STDERR_FILENO) };
        finish(|| test(&mut say))
    });
    drop((say, stderr));
    Ended { said: read(said), errors: read(errors), status: wait_for(child) }
}

/// What fits into the pipe; the tests say less.
fn read(mut from: PipeReader) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).expect("the child says it in UTF-8");
    text
}

pub fn say(pipe: &mut PipeWriter, line: &str) {
    pipe.write_all(line.as_bytes()).expect("the pipe is open");
}

/// Starts a child that runs `body`, which does not return.
fn fork(body: impl FnOnce() -> c_int) -> libc::pid_t {
    // SAFETY: this process has a single thread, so the child may do anything.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "a child can be made");
    if child == 0 {
        // SAFETY: ends the child without running what the parent has registered.
        unsafe { libc::_exit(body()) }
    }
    child
}

/// Runs a test in this child; returns its exit code.
fn finish(test: impl FnOnce()) -> c_int {
    let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: asks for a signal that ends this child, and for no core dump of one that aborts.
    unsafe {
        libc::alarm(SECONDS);
        libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core);
    }
    // What the test was called with is not used any more.
    let passed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test)).is_ok();
    c_int::from(!passed)
}

/// Waits for a child, and returns its status.
pub fn wait_for(child: libc::pid_t) -> c_int {
    let mut status = 0;
    // SAFETY: waits for a child of this process.
    let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(ended, child, "the child ends");
    status
}

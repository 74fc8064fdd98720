//! One misuse, in a process of its own.

use std::io::{self, Write};

use anyhow::{Context, Result};

use crate::cases::{self, End};
use crate::contender::check_malloc;
use crate::verdict::{BEGIN, END, code};
use crate::{arguments, scene};

/// Does not return if it gets as far as the misuse.
pub(crate) fn run(arguments: &arguments::Child) -> Result<()> {
    let case = cases::named(&arguments.case).with_context(|| format!("there is no `{}`", arguments.case))?;
    check_malloc(arguments.library.as_deref())?;
    leave_no_core();
    // A mistake in a case must not look like an allocator that aborts.
    std::panic::set_hook(Box::new(|panic| {
        let _ = writeln!(io::stderr(), "{panic}");
        exit(code::FAILED);
    }));
    say(BEGIN);
    let end = (case.run)(case.size.bytes());
    scene::go_on(case.size.bytes());
    say(END);
    exit(match end {
        End::Harm => code::END,
        End::NoHarm => code::HARMLESS,
    })
}

/// Those that are meant to die need not fill the disk.
fn leave_no_core() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is read during the call.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
}

/// Writes to standard output without any memory but that of `words`.
fn say(words: &str) {
    // SAFETY: the words are that long.
    unsafe { libc::write(libc::STDOUT_FILENO, words.as_ptr().cast(), words.len()) };
}

/// Ends the process here and now: what would be done at exit could stumble over what was done to the heap, and that is
/// another question.
fn exit(code: i32) -> ! {
    // SAFETY: does not return.
    unsafe { libc::_exit(code) }
}

/// For a case that cannot be done, as the contender lacks a function.
pub(crate) fn absent() -> ! {
    exit(code::ABSENT)
}

/// For a case that cannot be done, as something fails that must not.
pub(crate) fn failed(what: &str) -> ! {
    let _ = writeln!(io::stderr(), "{what}");
    exit(code::FAILED)
}

//! What is done when the library is loaded, and when the process ends.
//!
//! The allocator needs none of it: it serves from its first call on, whoever makes that, and to the last.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use snugfit::{Line, Options};
use snugfit_source::os::claim_program_break;

use crate::options::{KNOWN, Own, VARIABLE};
use crate::process::{is_malloc_of_process, set_beside_another};
use crate::{environment, stats};

/// Among the functions that are called when the library is loaded.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = at_start;

/// Among those that are called when the process ends: by `exit`, or by the end of `main`.
#[used]
#[unsafe(link_section = ".fini_array")]
static AT_EXIT: extern "C" fn() = at_exit;

/// What a line begins with that is about the options.
const PREFIX: &[u8] = b"snugfit: SNUGFIT_OPTIONS: ";

/// Whether the heap is to be checked at exit.
static VALIDATE: AtomicBool = AtomicBool::new(false);

extern "C" fn at_start() {
    // Beside another malloc, the library leaves everything as it is and waits to be called.
    if !is_malloc_of_process() {
        set_beside_another();
        return;
    }
    // SAFETY: the C library's own malloc, which moves the program break too, is called by nobody; and with any malloc in
    // the process, who moves the break himself does so on his own account.
    unsafe { claim_program_break() };
    // SAFETY: the program has not begun; who starts threads before and changes the environment in them cannot have any
    // library read it.
    if let Some(text) = unsafe { environment::variable(VARIABLE) } {
        set(text);
    }
}

/// Reads the options, and does what they ask for.
fn set(text: &[u8]) {
    let (own, options) = Own::parse(text, |word| {
        say(&[PREFIX, b"unknown word `", word, b"`; ", KNOWN, Options::WORDS.as_bytes()]);
    });
    VALIDATE.store(own.validate, Relaxed);
    // If the library was built hardened, that goes first.
    let _ = options.apply();
    if options.backtrace && !snugfit::backtrace_at_end() {
        say(&[PREFIX, b"no `backtrace`: this system's C library has none, or it needs libgcc_s.so.1"]);
    }
    if let Some(path) = own.stats
        && !stats::start(path)
    {
        say(&[PREFIX, b"no path is as long as the one of `stats`"]);
    }
}

extern "C" fn at_exit() {
    let checked = VALIDATE.load(Relaxed).then(snugfit::validate);
    stats::report(checked.map(|checked| checked.is_ok()));
    if let Some(Err(violation)) = checked {
        snugfit::abort_with_violation("at exit: the heap is not valid", violation);
    }
}

/// Writes a line made of `parts`, which need not be text, to standard error.
pub(crate) fn say(parts: &[&[u8]]) {
    let mut line = Line::new();
    parts.iter().for_each(|part| line.push(part));
    line.end();
    line.write_to(libc::STDERR_FILENO);
}

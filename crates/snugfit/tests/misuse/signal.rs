//! A signal handler that allocates, and interrupts the allocator.

use std::hint::black_box;
use std::ptr::null_mut;

use crate::common::{allocate, free};
use crate::{Call, Case, wrong};

pub(crate) const CASES: &[Case] =
    &[Case { name: "a_signal_handler_that_allocates", calls: &[ANY], wrong: || wrong(null_mut(), WORDS) }];

const WORDS: &str = "a signal handler allocates or frees memory while the thread that it interrupted does: \
                     malloc is not async-signal-safe";

/// No thread keeps blocks of this size: to get one takes the lock.
const UNCACHED: usize = 40_000;

/// Allocates until it is interrupted in the middle of that.
const ANY: Call = Call {
    name: "",
    with: |_| {
        interrupt_often();
        loop {
            free(black_box(allocate(UNCACHED)));
        }
    },
};

extern "C" fn handler(_: libc::c_int) {
    free(black_box(allocate(UNCACHED)));
}

fn interrupt_often() {
    let each = libc::timeval { tv_sec: 0, tv_usec: 50 };
    let timer = libc::itimerval { it_interval: each, it_value: each };
    // SAFETY: a handler for as long as the process lives, and a timer of this process.
    unsafe {
        libc::signal(libc::SIGPROF, handler as extern "C" fn(libc::c_int) as libc::sighandler_t);
        libc::setitimer(libc::ITIMER_PROF, &raw const timer, null_mut());
    }
}

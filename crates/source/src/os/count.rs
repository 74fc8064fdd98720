//! Counting the calls.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::errno::keeping_errno;

static CALLS: AtomicUsize = AtomicUsize::new(0);

/// How many system calls for memory the process has made through this module, granted or not.
#[must_use]
pub fn calls() -> usize {
    CALLS.load(Relaxed)
}

/// Runs `call`, a system call for memory, and keeps `errno`.
pub(super) fn counted<T>(call: impl FnOnce() -> T) -> T {
    CALLS.fetch_add(1, Relaxed);
    keeping_errno(call)
}

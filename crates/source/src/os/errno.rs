//! Keeping `errno`.

/// Runs `call` and puts `errno` back to what it was before.
pub(super) fn keeping_errno<T>(call: impl FnOnce() -> T) -> T {
    // SAFETY: the C library returns the address of this thread's `errno`, which lives as long as the thread and is
    // used by no other.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let before = unsafe { errno.read() };
    let result = call();
    // SAFETY: as above; `call` has run on this same thread.
    unsafe { errno.write(before) };
    result
}

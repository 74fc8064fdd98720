//! The C library's `errno`.

use core::ffi::c_int;

/// Sets this thread's `errno`.
pub(crate) fn set_errno(value: c_int) {
    // SAFETY: the address is valid for as long as the thread lives, and no other thread uses it.
    unsafe { libc::__errno_location().write(value) };
}

/// Runs `call` and puts `errno` back to what it was before.
pub(crate) fn keeping_errno<T>(call: impl FnOnce() -> T) -> T {
    // SAFETY: as in `set_errno`.
    let before = unsafe { libc::__errno_location().read() };
    let result = call();
    set_errno(before);
    result
}

//! The C library's `errno`.

use core::ffi::c_int;

/// This thread's `errno`.
fn errno() -> *mut c_int {
    // SAFETY: may be called at any time.
    unsafe { libc::__errno_location() }
}

/// Sets this thread's `errno`.
pub fn set_errno(value: c_int) {
    // SAFETY: the address is valid for as long as the thread lives, and no other thread uses it.
    unsafe { errno().write(value) };
}

/// Runs `call` and puts `errno` back to what it was before.
pub fn keeping_errno<T>(call: impl FnOnce() -> T) -> T {
    // SAFETY: as in `set_errno`.
    let before = unsafe { errno().read() };
    let result = call();
    set_errno(before);
    result
}

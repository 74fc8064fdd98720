//! Where the process was when it ended.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Whether a backtrace is wanted.
static WANTED: AtomicBool = AtomicBool::new(false);

/// Has a backtrace follow each line that the process ends with, on standard error: a line for each frame, with the object (the
/// program or a library), the function if the object exports it, and the address. Returns whether there will be one: it is the C
/// library's, and needs glibc.
///
/// Call it before there is trouble: the first call loads the library that unwinds, which allocates; the backtrace itself
/// does not.
///
/// ```text
/// snugfit: mem_free(0x55d0c1a2b311): interior pointer: 1 byte into the 72-byte block at 0x55d0c1a2b310
/// ./program(+0x1189)[0x5602b9e1c189]
/// ```
pub fn backtrace_at_end() -> bool {
    let is_there = system::prepare();
    WANTED.store(is_there, Relaxed);
    is_there
}

/// Prints one, if one is wanted.
pub(crate) fn print() {
    if WANTED.load(Relaxed) {
        system::print();
    }
}

#[cfg(target_env = "gnu")]
mod system {
    use core::ffi::{c_int, c_void};
    use core::ptr::null_mut;

    // Of `<execinfo.h>`.
    unsafe extern "C" {
        fn backtrace(buffer: *mut *mut c_void, size: c_int) -> c_int;
        fn backtrace_symbols_fd(buffer: *const *mut c_void, size: c_int, file: c_int);
    }

    /// Frames that are shown at most.
    const FRAMES: usize = 64;

    /// Loads the unwinder. False if there is none: then no frame is found.
    pub(super) fn prepare() -> bool {
        let mut frames = [null_mut(); 2];
        // SAFETY: there is room for that many.
        unsafe { backtrace(frames.as_mut_ptr(), frames.len() as c_int) > 0 }
    }

    pub(super) fn print() {
        let mut frames = [null_mut(); FRAMES];
        // SAFETY: there is room for that many; what it returns is how many there are. Neither allocates: the unwinder was loaded,
        // and the names are written as they are found.
        unsafe {
            let count = backtrace(frames.as_mut_ptr(), FRAMES as c_int);
            backtrace_symbols_fd(frames.as_ptr(), count, libc::STDERR_FILENO);
        }
    }
}

#[cfg(not(target_env = "gnu"))]
mod system {
    pub(super) fn prepare() -> bool {
        false
    }

    pub(super) fn print() {}
}

//! The program break, through the C library's `sbrk`: its notion of the break must stay right, because its own malloc
//! goes by it.

use core::ffi::c_void;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::count::counted;
use super::errno::keeping_errno;

/// Where the program break is.
///
/// # Safety
/// - No other thread moves the break during the call: the C library keeps it in a plain variable.
#[must_use]
pub unsafe fn program_break() -> Option<NonNull<u8>> {
    // SAFETY: as the caller vouches; moving by 0 moves nothing.
    unsafe { move_break(0) }
}

/// Moves the program break by `by` bytes, up or down, and returns where it was before: upwards, the start of fresh
/// memory. `None` if the system refuses, or the C library does not move it (musl).
///
/// Memory that becomes reachable in whole pages reads as zero; pages above the new break are gone.
///
/// # Safety
/// - No other thread moves the break, or asks for it, during the call.
/// - If `by` is negative: nobody uses the bytes between the new break and the old.
#[must_use]
pub unsafe fn move_break(by: isize) -> Option<NonNull<u8>> {
    // SAFETY: as the caller vouches.
    let call = || unsafe { libc::sbrk(by) };
    // The C library knows where the break is without asking.
    let before = if by == 0 { keeping_errno(call) } else { counted(call) };
    if before == FAILED { None } else { NonNull::new(before.cast()) }
}

/// What `sbrk` returns when it fails.
const FAILED: *mut c_void = core::ptr::without_provenance_mut(usize::MAX);

static CLAIMED: AtomicBool = AtomicBool::new(false);

/// Declares that nobody else moves the break: every [`Sbrk`](crate::Sbrk) may move it from now on, whatever threads
/// there are. For a library that has found out, when it was loaded, that it *is* the process's malloc.
///
/// # Safety
/// - From now on, nobody moves the break or asks where it is while a call to an `Sbrk` is under way: no foreign code,
///   and no two `Sbrk`s at once.
pub unsafe fn claim_program_break() {
    CLAIMED.store(true, Relaxed);
}

/// Whether somebody has [claimed](claim_program_break) the break.
#[inline]
pub(crate) fn is_program_break_claimed() -> bool {
    CLAIMED.load(Relaxed)
}

//! What the fast path of `free` leaves: each way is a function of its own, so that none pays for another's frame.

use core::ptr::NonNull;

use crate::count::FREES;
use crate::hardened::fronts;
use crate::report::abort_with;
use crate::{caches, front, local, mode, process};

/// [`mem_free_as`](crate::mem_free_as), for what the fast path left.
///
/// # Safety
/// - As for [`mem_free`](crate::mem_free).
#[inline(never)]
pub(crate) unsafe fn free_other(pointer: *mut u8, function: &str) {
    // SAFETY: the caller vouches for the block.
    unsafe {
        if local::hardened().is_some() {
            free_in_front(pointer, function);
        } else if !process::free_with_header(pointer, None) {
            free_unless_full(pointer, function);
        }
    }
}

/// # Safety
/// - As for [`mem_free`](crate::mem_free).
#[inline(never)]
unsafe fn free_in_front(pointer: *mut u8, function: &str) {
    // SAFETY: the caller vouches for the block.
    unsafe {
        if !fronts::free_small(pointer) {
            free_slowly(pointer, function);
        }
    }
}

/// # Safety
/// - As for [`mem_free`](crate::mem_free).
#[inline(never)]
unsafe fn free_unless_full(pointer: *mut u8, function: &str) {
    // SAFETY: the caller vouches for the block.
    unsafe {
        let freed = |pointer| mode::is_usual() && caches::free_usually(pointer);
        if !NonNull::new(pointer).is_some_and(freed) {
            free_slowly(pointer, function);
        }
    }
}

/// [`mem_free_as`](crate::mem_free_as), for what the fast paths left.
///
/// # Safety
/// - As for [`mem_free`](crate::mem_free).
#[cold]
#[inline(never)]
unsafe fn free_slowly(pointer: *mut u8, function: &str) {
    // SAFETY: the caller vouches for the block.
    unsafe {
        if mode::is_hardened() {
            free_hardened(pointer, function);
        } else {
            free_otherwise(pointer, function);
        }
    }
}

/// # Safety
/// - As for [`mem_free`](crate::mem_free).
#[inline(never)]
unsafe fn free_otherwise(pointer: *mut u8, function: &str) {
    // SAFETY: the caller vouches for the block.
    unsafe {
        if !front::free_otherwise(pointer) {
            free_checked(pointer, function);
        }
    }
}

/// # Safety
/// - As for [`mem_free`](crate::mem_free).
#[inline(never)]
unsafe fn free_hardened(pointer: *mut u8, function: &str) {
    let Some(payload) = NonNull::new(pointer) else { return };
    // SAFETY: the caller vouches for the block.
    unsafe {
        if !fronts::free_to_wait(payload) {
            free_checked(pointer, function);
        }
    }
}

/// # Safety
/// - As for [`mem_free`](crate::mem_free).
#[inline(never)]
unsafe fn free_checked(pointer: *mut u8, function: &str) {
    let Some(payload) = NonNull::new(pointer) else { return };
    FREES.count();
    // SAFETY: the caller vouches for the block.
    if let Err(bad) = unsafe { process::free(payload, None) } {
        abort_with(function, pointer, bad);
    }
}

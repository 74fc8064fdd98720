//! The ways of `free`, from the shortest to the longest.

use core::ptr::NonNull;

use snugfit_slab::Place;

use crate::count::FREES;
use crate::front;
use crate::hardened::fronts;
use crate::report::abort_with;
use crate::{mode, slabs, slow};

/// [`mem_free`](crate::mem_free) under another name: who offers it as `free` has what is wrong reported as that.
///
/// # Safety
/// - As for [`mem_free`](crate::mem_free).
#[inline(always)]
pub unsafe fn mem_free_as(function: &str, pointer: *mut u8) {
    // SAFETY: the caller vouches for the block.
    unsafe {
        match slabs::find(pointer) {
            Some(place) if front::free(place) => {}
            Some(_) => free_small(pointer, function),
            None => free_with_header(pointer, function),
        }
    }
}

/// [`mem_free_as`] of what is not in slabs.
///
/// # Safety
/// - As for [`mem_free_as`].
#[cold]
#[inline(never)]
unsafe fn free_with_header(pointer: *mut u8, function: &str) {
    // As in `allocate_slowly`, none of these ways pays for another's frame.
    // SAFETY: the caller vouches for the block.
    unsafe {
        if front::free_with_header(pointer) {
            // Done.
        } else if mode::is_usual()
            && let Some((payload, number)) = front::too_large(pointer)
        {
            free_usually(payload, number, function);
        } else {
            free_unusually(pointer, function);
        }
    }
}

/// [`mem_free_as`] of what is in slabs, for what the fast path left.
///
/// # Safety
/// - As for [`mem_free_as`].
#[cold]
#[inline(never)]
unsafe fn free_small(pointer: *mut u8, function: &str) {
    // SAFETY: the caller vouches for the block.
    unsafe {
        // The fast path would pay for handing it over.
        let Some(place) = slabs::find(pointer) else { return free_with_header(pointer, function) };
        if !(mode::is_usual() && slabs::give(place)) {
            free_small_checked(place, pointer, function);
        }
    }
}

/// # Safety
/// - As for [`mem_free_as`]; it is at `place`.
#[inline(never)]
unsafe fn free_small_checked(place: Place<'static>, pointer: *mut u8, function: &str) {
    FREES.count();
    let Some(payload) = NonNull::new(pointer) else { return };
    // SAFETY: the caller vouches for the block.
    if let Err(bad) = unsafe { slabs::free(place, payload, None, true) } {
        abort_with(function, pointer, bad);
    }
}

/// # Safety
/// - As for [`mem_free_as`] and [`slow::free_in_heap`].
#[inline(never)]
unsafe fn free_usually(payload: NonNull<u8>, number: usize, function: &str) {
    // SAFETY: the caller vouches for the block.
    unsafe {
        if !slow::free_in_heap(payload, number, None) {
            free_otherwise(payload.as_ptr(), function);
        }
    }
}

/// # Safety
/// - As for [`mem_free_as`].
#[inline(never)]
unsafe fn free_unusually(pointer: *mut u8, function: &str) {
    // SAFETY: the caller vouches for the block.
    unsafe {
        if fronts::free_small(pointer) {
            // Done.
        } else if mode::is_hardened() {
            free_hardened(pointer, function);
        } else {
            free_otherwise(pointer, function);
        }
    }
}

/// # Safety
/// - As for [`mem_free_as`].
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
/// - As for [`mem_free_as`].
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
/// - As for [`mem_free_as`].
#[inline(never)]
unsafe fn free_checked(pointer: *mut u8, function: &str) {
    let Some(payload) = NonNull::new(pointer) else { return };
    FREES.count();
    // SAFETY: the caller vouches for the block.
    if let Err(bad) = unsafe { slow::free(payload, None) } {
        abort_with(function, pointer, bad);
    }
}

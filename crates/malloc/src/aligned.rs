//! What allocates at an alignment of the caller's choice.
//!
//! All but `posix_memalign` say what is wrong by `errno`: `EINVAL` for an alignment that is no power of two, `ENOMEM`
//! where there is no memory.

use core::ffi::{c_int, c_void};
use core::ptr::null_mut;

use libc::{EINVAL, ENOMEM};
use snugfit::mem_alloc_aligned;
use snugfit_source::os::{keeping_errno, page_size, set_errno};

/// C's `aligned_alloc`. `size` need not be a multiple of `alignment` (C17 and later).
#[unsafe(no_mangle)]
pub extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
    mem_alloc_aligned(alignment, size).cast()
}

/// The older name of [`aligned_alloc`].
#[unsafe(no_mangle)]
pub extern "C" fn memalign(alignment: usize, size: usize) -> *mut c_void {
    mem_alloc_aligned(alignment, size).cast()
}

/// POSIX's way to the same: returns 0 and puts the block's address at `block`, or returns the error, with `block` and
/// `errno` as they were. The alignment must be a multiple of a pointer's size as well.
///
/// # Safety
/// - `block` is valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_memalign(block: *mut *mut c_void, alignment: usize, size: usize) -> c_int {
    if !alignment.is_power_of_two() || alignment < size_of::<*mut c_void>() {
        return EINVAL;
    }
    let allocated = keeping_errno(|| mem_alloc_aligned(alignment, size));
    if allocated.is_null() {
        return ENOMEM;
    }
    // SAFETY: the caller vouches for the place.
    unsafe { block.write(allocated.cast()) };
    0
}

/// A block that starts at a page.
#[unsafe(no_mangle)]
pub extern "C" fn valloc(size: usize) -> *mut c_void {
    mem_alloc_aligned(page_size(), size).cast()
}

/// A block of whole pages, at least one.
#[unsafe(no_mangle)]
pub extern "C" fn pvalloc(size: usize) -> *mut c_void {
    match size.max(1).checked_next_multiple_of(page_size()) {
        Some(size) => valloc(size),
        None => {
            set_errno(ENOMEM);
            null_mut()
        }
    }
}

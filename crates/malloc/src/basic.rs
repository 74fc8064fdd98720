//! `malloc`, `calloc`, `realloc` and `free`.

use core::ffi::c_void;
use core::ptr::null_mut;

use libc::{EINVAL, ENOMEM};
use snugfit::{ResizeError, abort_with};
use snugfit_source::os::set_errno;

/// C's `malloc`: `size` bytes, aligned to 16. Of 0 bytes, a block of its own as well.
#[unsafe(no_mangle)]
pub extern "C" fn malloc(size: usize) -> *mut c_void {
    snugfit::mem_alloc(size).cast()
}

/// C's `calloc`: `count` times `size` bytes of zeros, aligned to 16. A product that overflows is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    snugfit::mem_alloc_clear(count, size).cast()
}

/// C's `realloc`. Of null, it allocates; to a `size` of 0, it frees and returns null, with `errno` set to `EINVAL`
/// (POSIX.1-2024; C23 leaves it open). A failure leaves the block as it was.
///
/// # Safety
/// - After success, only the returned pointer is used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the caller vouches for the block.
    unsafe { resize("realloc", block, size) }
}

/// [`realloc`], by the name `function` in what is said of a wrong pointer.
///
/// # Safety
/// - As for [`realloc`].
#[inline]
pub(crate) unsafe fn resize(function: &str, block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the caller vouches for the block.
    match unsafe { snugfit::try_mem_resize(block.cast(), size) } {
        Ok(resized) => {
            if resized.is_null() {
                set_errno(EINVAL);
            }
            resized.cast()
        }
        Err(ResizeError::OutOfMemory) => {
            set_errno(ENOMEM);
            null_mut()
        }
        Err(ResizeError::BadPointer(bad)) => abort_with(function, block.cast(), bad),
    }
}

/// C's `free`. Of null, nothing happens. `errno` is kept.
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: the caller vouches for the block.
    unsafe { snugfit::mem_free_as("free", block.cast()) };
}

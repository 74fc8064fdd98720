//! What goes by the size of a block: to free it, to ask for it, to compute it. And `malloc_trim`.

use core::ffi::{c_int, c_void};
use core::ptr::null_mut;

use libc::ENOMEM;
use snugfit::{BadPointer, abort_with};
use snugfit_source::os::set_errno;

use crate::basic::resize;
use crate::process::other;

/// [`realloc`](crate::realloc) to `count` times `size` bytes. If the product overflows, that is no memory: null, and the
/// block is as it was.
///
/// # Safety
/// - As for [`realloc`](crate::realloc).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reallocarray(block: *mut c_void, count: usize, size: usize) -> *mut c_void {
    let Some(size) = count.checked_mul(size) else {
        set_errno(ENOMEM);
        return null_mut();
    };
    // SAFETY: the caller vouches for the block.
    unsafe {
        match other() {
            Some((realloc, _)) => realloc(block, size),
            None => resize("reallocarray", block, size),
        }
    }
}

/// C23's `free_sized`: [`free`](crate::free) of a block for which `size` bytes were asked. The size is checked.
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_sized(block: *mut c_void, size: usize) {
    // SAFETY: the caller vouches for the block.
    unsafe { release_sized("free_sized", block, size) };
}

/// C23's `free_aligned_sized`: [`free_sized`] of a block that was asked for at `alignment`, which is checked as far as
/// the address tells.
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_aligned_sized(block: *mut c_void, alignment: usize, size: usize) {
    let could_be = alignment.is_power_of_two() && block.addr().is_multiple_of(alignment);
    if !could_be && !block.is_null() {
        abort_with("free_aligned_sized", block.cast(), BadPointer::Misaligned);
    }
    // SAFETY: the caller vouches for the block.
    unsafe { release_sized("free_aligned_sized", block, size) };
}

/// [`free_sized`], by the name `function` in what is said of a wrong pointer.
///
/// # Safety
/// - As for [`free_sized`].
unsafe fn release_sized(function: &str, block: *mut c_void, size: usize) {
    if let Some((_, free)) = other() {
        // SAFETY: the caller vouches for the block.
        return unsafe { free(block) };
    }
    // SAFETY: the caller vouches for the block.
    if let Err(bad) = unsafe { snugfit::try_mem_free_sized(block.cast(), size) } {
        abort_with(function, block.cast(), bad);
    }
}

/// The bytes of a block that may be used, at least those asked for. 0 of null.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_usable_size(block: *mut c_void) -> usize {
    match snugfit::try_usable_size(block.cast()) {
        Ok(size) => size,
        Err(bad) => abort_with("malloc_usable_size", block.cast(), bad),
    }
}

/// Gives unused memory back to the system, but for `keep` bytes at the end of the heap. 1 if there was any, else 0.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_trim(keep: usize) -> c_int {
    c_int::from(snugfit::trim(keep) > 0)
}

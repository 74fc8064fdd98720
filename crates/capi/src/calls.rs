//! The calls that end the process if a pointer is wrong.
//!
//! Those that free stand first: in the header, the declarations of those that allocate name them.

use core::ffi::c_void;

/// Frees a block, as free does. Of NULL, nothing happens. errno is kept.
///
/// A wrong pointer ends the process, with a line on standard error that says what is wrong with it.
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mem_free(block: *mut c_void) {
    // SAFETY: the caller vouches for the block.
    unsafe { snugfit::mem_free(block.cast()) };
}

/// Frees a block for which `size` bytes were asked, by its allocation or its last resize. The size is checked; a wrong
/// one ends the process like a wrong pointer.
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mem_free_sized(block: *mut c_void, size: usize) {
    // SAFETY: the caller vouches for the block.
    if let Err(bad) = unsafe { snugfit::try_mem_free_sized(block.cast(), size) } {
        snugfit::abort_with("mem_free_sized", block.cast(), bad);
    }
}

/// Allocates `size` bytes, aligned to 16, as malloc does. What they hold is not said. A size of 0 gives a block of
/// its own as well.
///
/// Returns NULL, with errno set to ENOMEM, if there is no memory, or `size` is more than PTRDIFF_MAX.
/// cbindgen:postfix=MEM_NEW(__alloc_size__(1))
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn mem_alloc(size: usize) -> *mut c_void {
    snugfit::mem_alloc(size).cast()
}

/// Allocates `count` times `size` bytes of zeros, aligned to 16, as calloc does.
///
/// Returns NULL, with errno set to ENOMEM, if there is no memory, or the product overflows.
/// cbindgen:postfix=MEM_NEW(__alloc_size__(1, 2))
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn mem_alloc_clear(count: usize, size: usize) -> *mut c_void {
    snugfit::mem_alloc_clear(count, size).cast()
}

/// Allocates `size` bytes, aligned to `align`, any power of two, as aligned_alloc does.
///
/// Returns NULL, with errno set to EINVAL if `align` is no power of two, and to ENOMEM if there is no memory.
/// cbindgen:postfix=MEM_NEW(__alloc_align__(1), __alloc_size__(2))
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn mem_alloc_aligned(align: usize, size: usize) -> *mut c_void {
    snugfit::mem_alloc_aligned(align, size).cast()
}

/// Makes a block `size` bytes large, in place or elsewhere, and returns where it is now, as realloc does. The contents
/// are kept, up to the smaller of both sizes; the alignment is 16.
///
/// Of NULL, it allocates. To a size of 0, it frees the block and returns NULL, with errno set to EINVAL. If there is
/// no memory, it returns NULL, with errno set to ENOMEM, and the block is as it was.
///
/// A wrong pointer ends the process, with a line on standard error that says what is wrong with it.
///
/// # Safety
/// - After success, only the returned pointer is used.
///   cbindgen:postfix=MEM_ATTRIBUTES(__alloc_size__(2)) MEM_FREED_HERE
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mem_resize(block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the caller vouches for the block.
    unsafe { snugfit::mem_resize(block.cast(), size) }.cast()
}

/// The bytes of a block that may be used, at least those asked for. 0 of NULL.
///
/// A wrong pointer ends the process, with a line on standard error that says what is wrong with it.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn mem_usable_size(block: *const c_void) -> usize {
    match snugfit::try_usable_size(block.cast()) {
        Ok(size) => size,
        Err(bad) => snugfit::abort_with("mem_usable_size", block.cast(), bad),
    }
}

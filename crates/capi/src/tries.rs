//! The calls that return what is wrong with a pointer.

use core::ffi::c_void;

use snugfit::ResizeError;

use crate::{BadPointer, Error};

/// Tells `what`, unless it is null, and returns the error.
///
/// # Safety
/// - `what` is null or valid for a write.
unsafe fn told(bad: snugfit::BadPointer, what: *mut BadPointer) -> Error {
    let bad = BadPointer::from(bad);
    if !what.is_null() {
        // SAFETY: the caller vouches for it.
        unsafe { what.write(bad) };
    }
    bad.error
}

/// mem_free with an error to handle: MEM_ERROR_NONE, or what is wrong with the pointer. Then nothing has changed, and
/// `what`, unless it is NULL, says more. Any pointer may be given.
///
/// # Safety
/// - If it is a block, nobody uses it any more.
/// - `what` is null or valid for a write.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mem_try_free(block: *mut c_void, what: *mut BadPointer) -> Error {
    // SAFETY: the caller vouches for the block, and for `what`.
    unsafe { snugfit::try_mem_free(block.cast()).map_or_else(|bad| told(bad, what), |()| Error::None) }
}

/// mem_free_sized with an error to handle, as in mem_try_free.
///
/// # Safety
/// - As for mem_try_free.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mem_try_free_sized(block: *mut c_void, size: usize, what: *mut BadPointer) -> Error {
    // SAFETY: the caller vouches for the block, and for `what`.
    unsafe {
        snugfit::try_mem_free_sized(block.cast(), size).map_or_else(|bad| told(bad, what), |()| Error::None)
    }
}

/// mem_resize with an error to handle: MEM_ERROR_NONE, and `*block` is where the block is now; or what is wrong, and
/// block and `*block` are as they were. To a size of 0, it frees the block, and `*block` is NULL. `what`, unless it is
/// NULL, says more of a wrong pointer. errno is kept.
///
/// # Safety
/// - `block` is valid for reads and writes, `what` is null or valid for a write.
/// - After success, only the new `*block` is used.
///   cbindgen:postfix=MEM_ATTRIBUTES(__nonnull__(1))
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mem_try_resize(
    block: *mut *mut c_void,
    size: usize,
    what: *mut BadPointer,
) -> Error {
    // SAFETY: the caller vouches for the block, its place, and `what`.
    unsafe {
        match snugfit::try_mem_resize(block.read().cast(), size) {
            Ok(resized) => {
                block.write(resized.cast());
                Error::None
            }
            Err(ResizeError::OutOfMemory) => Error::OutOfMemory,
            Err(ResizeError::BadPointer(bad)) => told(bad, what),
        }
    }
}

/// mem_usable_size with an error to handle: MEM_ERROR_NONE, and `*size` is the size; or what is wrong with the pointer, as
/// in mem_try_free.
///
/// # Safety
/// - `size` is valid for a write, `what` is null or valid for one.
///   cbindgen:postfix=MEM_ATTRIBUTES(__nonnull__(2))
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mem_try_usable_size(
    block: *const c_void,
    size: *mut usize,
    what: *mut BadPointer,
) -> Error {
    match snugfit::try_usable_size(block.cast()) {
        Ok(usable) => {
            // SAFETY: the caller vouches for the place.
            unsafe { size.write(usable) };
            Error::None
        }
        // SAFETY: the caller vouches for `what`.
        Err(bad) => unsafe { told(bad, what) },
    }
}

//! The four calls of `malloc`, and what goes with them, in C's terms: raw pointers, null and `errno`.

use core::ptr::{NonNull, null_mut};

use libc::{EINVAL, ENOMEM};

use snugfit_heap::{BadPointer, ResizeError};
use snugfit_source::os::set_errno;
use snugfit_tag::{Compact, Format, GRANULE};

use crate::count::{ALLOCATIONS, FREES, RESIZES};
use crate::freeing::mem_free_as;
use crate::front;
use crate::hardened::fronts;
use crate::report::abort_with;
use crate::state::Request;
use crate::{mode, recent, slabs, slow};

/// Allocates `size` bytes, aligned to 16: `malloc`. What they hold is not said. A `size` of 0 gives a block of its own as
/// well.
///
/// Returns null, with `errno` set to `ENOMEM`, if there is no memory, or `size` is more than `isize::MAX`. `errno` is
/// kept otherwise.
///
/// ```
/// let block = snugfit::mem_alloc(100);
/// assert!(!block.is_null());
/// // Sound: a hundred bytes were asked for, and are not used afterwards.
/// unsafe {
///     block.write_bytes(7, 100);
///     snugfit::mem_free(block);
/// }
/// ```
#[inline]
#[must_use]
pub fn mem_alloc(size: usize) -> *mut u8 {
    match front::allocate(size) {
        Some(payload) => payload.as_ptr(),
        None => allocate_slowly(size),
    }
}

#[cold]
#[inline(never)]
fn allocate_slowly(size: usize) -> *mut u8 {
    // Each way is a function of its own, so that none pays for another's frame.
    if mode::is_usual() {
        if !slabs::are_for(size) {
            return recent::allocate(size).map_or_else(|| allocate_usually(size), NonNull::as_ptr);
        }
        if let Some(payload) = slabs::allocate(size) {
            return payload.as_ptr();
        }
    }
    if let Some(payload) = front::allocate_with_header(size) {
        payload.as_ptr()
    } else if let Some(payload) = fronts::allocate_small(size, false) {
        payload.as_ptr()
    } else if mode::is_usual() {
        allocate_usually(size)
    } else if mode::is_hardened() {
        allocate_hardened(size)
    } else {
        allocate_otherwise(size)
    }
}

#[inline(never)]
fn allocate_usually(size: usize) -> *mut u8 {
    match slow::allocate_in_heap(size, false) {
        Some(payload) => payload.as_ptr(),
        None => allocate_otherwise(size),
    }
}

#[inline(never)]
fn allocate_otherwise(size: usize) -> *mut u8 {
    match front::allocate_from_reserve(size) {
        Some(payload) => payload.as_ptr(),
        None => allocate_anew(size),
    }
}

#[inline(never)]
fn allocate_hardened(size: usize) -> *mut u8 {
    match fronts::allocate_waiting(size, false) {
        Some(payload) => payload.as_ptr(),
        None => allocate_anew(size),
    }
}

#[inline(never)]
fn allocate_anew(size: usize) -> *mut u8 {
    ALLOCATIONS.count();
    or_enomem(slow::allocate(plain(size)))
}

const fn plain(size: usize) -> Request {
    Request { size, align: GRANULE, zeroed: false, replaces: 0 }
}

/// Allocates `count` times `size` bytes that read as zero, aligned to 16: `calloc`. Memory that the system has just
/// delivered is zero, and is not written.
///
/// Returns null, with `errno` set to `ENOMEM`, if there is no memory, or the product is more than `isize::MAX`.
#[inline]
#[must_use]
pub fn mem_alloc_clear(count: usize, size: usize) -> *mut u8 {
    let size = count.checked_mul(size);
    match size.and_then(front::allocate_zeroed) {
        Some(payload) => payload.as_ptr(),
        None => allocate_zeroed_slowly(size),
    }
}

#[cold]
#[inline(never)]
fn allocate_zeroed_slowly(size: Option<usize>) -> *mut u8 {
    let short = |size| {
        let small = fronts::allocate_small(size, true);
        if small.is_some() {
            small
        } else if slabs::are_for(size) {
            None
        } else if mode::is_usual() {
            slow::allocate_usual(size, true)
        } else if mode::is_hardened() {
            fronts::allocate_waiting(size, true)
        } else {
            None
        }
    };
    if let Some(payload) = size.and_then(short) {
        return payload.as_ptr();
    }
    ALLOCATIONS.count();
    let request = |size| Request { size, align: GRANULE, zeroed: true, replaces: 0 };
    or_enomem(size.and_then(|size| slow::allocate(request(size))))
}

/// Allocates `size` bytes, aligned to `align`, any power of two: `aligned_alloc`. `size` need not be a multiple of it.
///
/// Returns null, with `errno` set to `EINVAL`, if `align` is no power of two, and with `ENOMEM` if there is no memory.
#[inline]
#[must_use]
pub fn mem_alloc_aligned(align: usize, size: usize) -> *mut u8 {
    ALLOCATIONS.count();
    if !align.is_power_of_two() {
        set_errno(EINVAL);
        return null_mut();
    }
    or_enomem(slow::allocate(Request { size, align, zeroed: false, replaces: 0 }))
}

/// Frees a block: `free`. Null is allowed, and nothing happens. `errno` is kept.
///
/// A wrong pointer ends the process with a line on standard error, see [`abort_with`]; with [`try_mem_free`] it is an
/// error to handle.
///
/// # Safety
/// - Nobody uses the block any more.
#[inline]
pub unsafe fn mem_free(pointer: *mut u8) {
    // SAFETY: the caller vouches for the block.
    unsafe { mem_free_as("mem_free", pointer) };
}

/// [`mem_free`] with an error to handle.
///
/// # Errors
/// If `pointer` is neither null nor a live block of this allocator; nothing is changed. Any pointer may be given: it is
/// read only if it lies in memory of the allocator. A wrong one is taken for a block with a probability of 2^-32. To
/// find out what is wrong with it takes O(blocks).
///
/// Two threads that free one block of up to 1 KiB within the same few nanoseconds may both succeed; the process ends a little later then.
///
/// # Safety
/// - If it is a live block, nobody uses it any more.
#[inline]
pub unsafe fn try_mem_free(pointer: *mut u8) -> Result<(), BadPointer> {
    let Some(payload) = NonNull::new(pointer) else { return Ok(()) };
    FREES.count();
    // SAFETY: the caller vouches for the block.
    unsafe { slow::free(payload, None) }
}

/// [`try_mem_free`] for a caller who knows the `size` that was asked for, by the allocation or the last resize: C's
/// `free_sized`. The size is checked.
///
/// # Errors
/// As for [`try_mem_free`], and [`BadPointer::WrongSize`] if no request for `size` bytes would have got this block.
///
/// # Safety
/// - As for [`try_mem_free`].
#[inline]
pub unsafe fn try_mem_free_sized(pointer: *mut u8, size: usize) -> Result<(), BadPointer> {
    let Some(payload) = NonNull::new(pointer) else { return Ok(()) };
    FREES.count();
    // SAFETY: the caller vouches for the block.
    unsafe { slow::free(payload, Some(size)) }
}

/// Makes a block `size` bytes large, in place or elsewhere, and returns where it is now: `realloc`. The contents are
/// kept, up to the smaller of both sizes. A block that moves keeps an alignment of 16.
///
/// - Of a null `pointer`: allocates, as [`mem_alloc`].
/// - To a `size` of 0: frees the block and returns null, with `errno` set to `EINVAL`, as POSIX.1-2024 has it.
/// - If there is no memory: returns null, with `errno` set to `ENOMEM`; the block is as it was.
///
/// A wrong pointer ends the process, as in [`mem_free`].
///
/// # Safety
/// - After success, only the returned pointer is used.
#[inline]
pub unsafe fn mem_resize(pointer: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: the caller vouches for the block.
    match unsafe { try_mem_resize(pointer, size) } {
        Ok(resized) => {
            if resized.is_null() {
                set_errno(EINVAL);
            }
            resized
        }
        Err(ResizeError::OutOfMemory) => or_enomem(None),
        Err(ResizeError::BadPointer(bad)) => abort_with("mem_resize", pointer, bad),
    }
}

/// [`mem_resize`] with errors to handle. Of a `size` of 0 the result is null, and the block is free. `errno` is kept.
///
/// # Errors
/// Out of memory, or a bad pointer as in [`try_mem_free`]; the block is as it was.
///
/// # Safety
/// - As for [`mem_resize`].
#[inline]
pub unsafe fn try_mem_resize(pointer: *mut u8, size: usize) -> Result<*mut u8, ResizeError> {
    // SAFETY: the caller vouches for the block.
    unsafe {
        match front::resize(pointer, size) {
            Some(resized) => Ok(resized.as_ptr()),
            None => resize_slowly(pointer, size),
        }
    }
}

/// # Safety
/// - As for [`mem_resize`].
#[cold]
#[inline(never)]
unsafe fn resize_slowly(pointer: *mut u8, size: usize) -> Result<*mut u8, ResizeError> {
    RESIZES.count();
    let Some(payload) = NonNull::new(pointer) else {
        let allocated = slow::allocate(plain(size));
        return allocated.map(NonNull::as_ptr).ok_or(ResizeError::OutOfMemory);
    };
    // SAFETY: the caller vouches for the block.
    unsafe {
        if size == 0 {
            slow::free(payload, None)?;
            return Ok(null_mut());
        }
        slow::resize(payload, size, GRANULE).map(NonNull::as_ptr)
    }
}

/// The bytes of a block that may be used, at least those asked for: `malloc_usable_size`. 0 of null.
///
/// A wrong pointer ends the process, as in [`mem_free`].
#[must_use]
pub fn usable_size(pointer: *const u8) -> usize {
    match try_usable_size(pointer) {
        Ok(size) => size,
        Err(bad) => abort_with("usable_size", pointer, bad),
    }
}

/// [`usable_size`] with an error to handle. Sound for any pointer: it is read only if it lies in memory of the allocator.
///
/// # Errors
/// A bad pointer, as in [`try_mem_free`].
pub fn try_usable_size(pointer: *const u8) -> Result<usize, BadPointer> {
    let Some(payload) = NonNull::new(pointer.cast_mut()) else { return Ok(0) };
    match front::live_block(payload) {
        Some((_, tag)) => Ok(Compact::usable_size(tag.size())),
        None => slow::usable_size(payload),
    }
}

#[inline]
fn or_enomem(payload: Option<NonNull<u8>>) -> *mut u8 {
    match payload {
        Some(payload) => payload.as_ptr(),
        None => {
            set_errno(ENOMEM);
            null_mut()
        }
    }
}

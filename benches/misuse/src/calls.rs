//! The calls that are misused, as C makes them: through pointers that the compiler knows nothing of, or it would take the
//! calls for what they should be, and leave them out.
//!
//! These functions, and those of `scene` that touch memory, are not marked `unsafe`, though they are: a case consists of
//! nothing else, and the process that it is done in is given up for lost.

mod found;

pub(crate) use found::{
    delete, delete_aligned, delete_array, delete_array_sized, delete_sized, free_aligned_sized, free_sized,
    new, new_aligned, new_array,
};

use std::ffi::c_void;
use std::hint::black_box;

pub(crate) fn malloc(size: usize) -> *mut u8 {
    let malloc: unsafe extern "C" fn(usize) -> *mut c_void = black_box(libc::malloc);
    // SAFETY: asks for memory.
    unsafe { malloc(size) }.cast()
}

pub(crate) fn calloc(count: usize, size: usize) -> *mut u8 {
    let calloc: unsafe extern "C" fn(usize, usize) -> *mut c_void = black_box(libc::calloc);
    // SAFETY: asks for memory.
    unsafe { calloc(count, size) }.cast()
}

pub(crate) fn realloc(pointer: *mut u8, size: usize) -> *mut u8 {
    let realloc: unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void = black_box(libc::realloc);
    // SAFETY: none. What becomes of it is the question.
    unsafe { realloc(pointer.cast(), size) }.cast()
}

pub(crate) fn reallocarray(pointer: *mut u8, count: usize, size: usize) -> *mut u8 {
    let reallocarray: unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void =
        black_box(libc::reallocarray);
    // SAFETY: as for `realloc`.
    unsafe { reallocarray(pointer.cast(), count, size) }.cast()
}

pub(crate) fn aligned_alloc(align: usize, size: usize) -> *mut u8 {
    let aligned_alloc: unsafe extern "C" fn(usize, usize) -> *mut c_void = black_box(libc::aligned_alloc);
    // SAFETY: asks for memory.
    unsafe { aligned_alloc(align, size) }.cast()
}

/// `None` if it fails.
pub(crate) fn posix_memalign(align: usize, size: usize) -> Option<*mut u8> {
    let posix_memalign: unsafe extern "C" fn(*mut *mut c_void, usize, usize) -> libc::c_int =
        black_box(libc::posix_memalign);
    let mut block = std::ptr::null_mut();
    // SAFETY: asks for memory; the pointer to it goes to a variable of this function.
    let failed = unsafe { posix_memalign(&raw mut block, align, size) };
    (failed == 0).then_some(block.cast())
}

pub(crate) fn free(pointer: *mut u8) {
    let free: unsafe extern "C" fn(*mut c_void) = black_box(libc::free);
    // SAFETY: none. What becomes of it is the question.
    unsafe { free(pointer.cast()) }
}

pub(crate) fn usable_size(pointer: *mut u8) -> usize {
    let usable_size: unsafe extern "C" fn(*mut c_void) -> usize = black_box(libc::malloc_usable_size);
    // SAFETY: as for `free`.
    unsafe { usable_size(pointer.cast()) }
}

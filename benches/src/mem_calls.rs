//! The calls of the process's allocator, as C makes them.

use std::ptr::NonNull;

use snugfit::{mem_alloc, mem_alloc_aligned, mem_alloc_clear, mem_free, mem_resize, usable_size};
use snugfit_trace::Target;

/// `mem_alloc` and its family: who frees does not say a size, so it is read from the block. (As a
/// [`GlobalAlloc`](std::alloc::GlobalAlloc) the same allocator is told the size, and checks it.)
#[derive(Clone, Copy, Debug, Default)]
pub struct MemCalls;

// SAFETY: this is what these calls promise.
unsafe impl Target for MemCalls {
    #[inline]
    fn allocate(&mut self, size: usize) -> Option<NonNull<u8>> {
        NonNull::new(mem_alloc(size))
    }

    #[inline]
    fn allocate_zeroed(&mut self, size: usize) -> Option<NonNull<u8>> {
        NonNull::new(mem_alloc_clear(1, size))
    }

    #[inline]
    fn allocate_aligned(&mut self, size: usize, align: usize) -> Option<NonNull<u8>> {
        NonNull::new(mem_alloc_aligned(align, size))
    }

    #[inline]
    unsafe fn resize(
        &mut self,
        payload: NonNull<u8>,
        _old_size: usize,
        _align: usize,
        size: usize,
    ) -> Option<NonNull<u8>> {
        // To ask for nothing would free the block, and a null pointer then means success.
        // SAFETY: the caller got the payload from these calls and has not freed it.
        NonNull::new(unsafe { mem_resize(payload.as_ptr(), size.max(1)) })
    }

    #[inline]
    unsafe fn free(&mut self, payload: NonNull<u8>, _size: usize, _align: usize) {
        // SAFETY: the caller got the payload from these calls and uses it no more.
        unsafe { mem_free(payload.as_ptr()) };
    }

    #[inline]
    unsafe fn usable_size(&self, payload: NonNull<u8>) -> Option<usize> {
        Some(usable_size(payload.as_ptr()))
    }
}

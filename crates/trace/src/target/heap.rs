//! A heap as a target.

use std::ptr::NonNull;

use snugfit_heap::{Heap, ResizeError};
use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::Format;

use super::Target;

/// What a heap that refuses a pointer of its own means: it has lost track, and no measurement is worth anything.
const REFUSED: &str = "the heap refuses a pointer that it returned";

// SAFETY: a payload of a heap is a block in use, which is at least as large as asked for and no other's.
unsafe impl<S: Source, I: FreeIndex, F: Format> Target for Heap<S, I, F> {
    #[inline]
    fn allocate(&mut self, size: usize) -> Option<NonNull<u8>> {
        self.allocate(size)
    }

    #[inline]
    fn allocate_zeroed(&mut self, size: usize) -> Option<NonNull<u8>> {
        self.allocate_zeroed(size)
    }

    #[inline]
    fn allocate_aligned(&mut self, size: usize, align: usize) -> Option<NonNull<u8>> {
        self.allocate_aligned(size, align)
    }

    #[inline]
    unsafe fn resize(
        &mut self,
        payload: NonNull<u8>,
        _old_size: usize,
        _align: usize,
        size: usize,
    ) -> Option<NonNull<u8>> {
        // SAFETY: the caller got the payload from this heap and has not freed it.
        match unsafe { self.resize(payload, size) } {
            Ok(payload) => Some(payload),
            Err(ResizeError::OutOfMemory) => None,
            Err(ResizeError::BadPointer(bad)) => panic!("{REFUSED}: {bad:?}"),
        }
    }

    #[inline]
    unsafe fn free(&mut self, payload: NonNull<u8>, size: usize, _align: usize) {
        // SAFETY: the caller got the payload from this heap and uses it no more.
        unsafe { self.deallocate_sized(payload, size) }.expect(REFUSED);
    }

    #[inline]
    unsafe fn usable_size(&self, payload: NonNull<u8>) -> Option<usize> {
        // SAFETY: the caller got the payload from this heap and has not freed it.
        unsafe { self.usable_size(payload) }.ok()
    }
}

//! The `malloc` of this process as a target.

use std::ptr::{NonNull, null_mut};

use super::Target;

/// The system's `malloc`, or whatever was linked or preloaded in its place.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemMalloc;

// SAFETY: this is what `malloc` and its family promise.
unsafe impl Target for SystemMalloc {
    /// Some that can be preloaded align objects of eight bytes to eight, as C lets them.
    const ALIGN: usize = 8;

    #[inline]
    fn allocate(&mut self, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: any size may be asked for.
        NonNull::new(unsafe { libc::malloc(size) }.cast())
    }

    #[inline]
    fn allocate_zeroed(&mut self, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: any size may be asked for.
        NonNull::new(unsafe { libc::calloc(1, size) }.cast())
    }

    #[inline]
    fn allocate_aligned(&mut self, size: usize, align: usize) -> Option<NonNull<u8>> {
        let mut payload = null_mut();
        // `posix_memalign` refuses less than the alignment of a pointer.
        let align = align.max(align_of::<usize>());
        // SAFETY: `payload` is there to be written; whatever else is wrong is an error.
        match unsafe { libc::posix_memalign(&raw mut payload, align, size) } {
            0 => NonNull::new(payload.cast()),
            _ => None,
        }
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
        // SAFETY: the caller got the payload from `malloc` and has not freed it.
        NonNull::new(unsafe { libc::realloc(payload.as_ptr().cast(), size.max(1)) }.cast())
    }

    #[inline]
    unsafe fn free(&mut self, payload: NonNull<u8>, _size: usize, _align: usize) {
        // SAFETY: the caller got the payload from `malloc` and uses it no more.
        unsafe { libc::free(payload.as_ptr().cast()) };
    }

    #[inline]
    unsafe fn usable_size(&self, payload: NonNull<u8>) -> Option<usize> {
        // SAFETY: the caller got the payload from `malloc` and has not freed it.
        Some(unsafe { libc::malloc_usable_size(payload.as_ptr().cast()) })
    }
}

//! What a trace is replayed into.

use std::ptr::NonNull;

mod global;
mod heap;
mod system;

pub use global::Global;
pub use system::SystemMalloc;

/// The alignment of every object that did not ask for more: `malloc`'s, on 64-bit machines.
pub(crate) const PLAIN_ALIGN: usize = 16;

/// An allocator, seen as the handful of calls a trace consists of.
///
/// Size and alignment are passed back where a block is resized or freed, so that allocators in the shape of
/// [`GlobalAlloc`](std::alloc::GlobalAlloc) can be targets. Of a block that was not asked to be aligned the
/// alignment is 16.
///
/// # Safety
/// An implementer promises of a payload it returns that
/// - it is valid for reads and writes of as many bytes as were asked for, until it is freed or resized;
/// - nothing else uses these bytes meanwhile.
///
/// Whether it keeps this promise to the letter is what [`Replay::check`](crate::Replay::check) finds out; but what it
/// returns must be memory at all.
pub unsafe trait Target {
    /// The alignment of a payload for which none was asked.
    const ALIGN: usize = PLAIN_ALIGN;

    /// `malloc`.
    fn allocate(&mut self, size: usize) -> Option<NonNull<u8>>;

    /// `calloc`, the product being taken already.
    fn allocate_zeroed(&mut self, size: usize) -> Option<NonNull<u8>>;

    /// `posix_memalign`. `align` is a power of two.
    fn allocate_aligned(&mut self, size: usize, align: usize) -> Option<NonNull<u8>>;

    /// `realloc`. If it is refused, the block stays as it was.
    ///
    /// # Safety
    /// - `payload` came from this target, with `old_size` and `align`, and was neither freed nor resized since.
    unsafe fn resize(
        &mut self,
        payload: NonNull<u8>,
        old_size: usize,
        align: usize,
        size: usize,
    ) -> Option<NonNull<u8>>;

    /// `free`.
    ///
    /// # Safety
    /// - As for [`resize`](Self::resize). Nobody uses the payload any more.
    unsafe fn free(&mut self, payload: NonNull<u8>, size: usize, align: usize);

    /// `malloc_usable_size`, where there is such a thing.
    ///
    /// # Safety
    /// - `payload` came from this target and was neither freed nor resized since.
    unsafe fn usable_size(&self, payload: NonNull<u8>) -> Option<usize> {
        let _ = payload;
        None
    }
}

//! Any Rust allocator as a target.

use std::alloc::{GlobalAlloc, Layout};
use std::fmt;
use std::ptr::NonNull;

use super::{PLAIN_ALIGN, Target};

/// Makes a target of whatever implements [`GlobalAlloc`]. A request for no bytes becomes one for a single byte:
/// `GlobalAlloc` forbids the former.
///
/// ```
/// use std::alloc::System;
/// use snugfit_trace::{Global, Replay, bundled};
///
/// let trace = bundled()[5].read()?;
/// Replay::new(&trace).time(&mut Global(System))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Default)]
pub struct Global<A>(
    /// The allocator.
    pub A,
);

impl<A> fmt::Debug for Global<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Global({})", std::any::type_name::<A>())
    }
}

#[inline]
fn layout(size: usize, align: usize) -> Option<Layout> {
    Layout::from_size_align(size.max(1), align).ok()
}

/// The layout of a block that exists.
///
/// # Safety
/// - A block was allocated with this size and alignment, so [`layout`] took them then.
#[inline]
unsafe fn known_layout(size: usize, align: usize) -> Layout {
    // SAFETY: `layout` checked the same two numbers when the block was allocated.
    unsafe { Layout::from_size_align_unchecked(size.max(1), align) }
}

// SAFETY: `GlobalAlloc` is unsafe to implement and promises the same.
unsafe impl<A: GlobalAlloc> Target for Global<A> {
    #[inline]
    fn allocate(&mut self, size: usize) -> Option<NonNull<u8>> {
        self.allocate_aligned(size, PLAIN_ALIGN)
    }

    #[inline]
    fn allocate_zeroed(&mut self, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: the layout is not empty.
        NonNull::new(unsafe { self.0.alloc_zeroed(layout(size, PLAIN_ALIGN)?) })
    }

    #[inline]
    fn allocate_aligned(&mut self, size: usize, align: usize) -> Option<NonNull<u8>> {
        // SAFETY: the layout is not empty.
        NonNull::new(unsafe { self.0.alloc(layout(size, align)?) })
    }

    #[inline]
    unsafe fn resize(
        &mut self,
        payload: NonNull<u8>,
        old_size: usize,
        align: usize,
        size: usize,
    ) -> Option<NonNull<u8>> {
        let new = layout(size, align)?;
        // SAFETY: the caller got the payload from this allocator with this size and alignment, and has not freed it;
        // the new size is not 0 and, as the new layout exists, not too large for the alignment.
        NonNull::new(unsafe { self.0.realloc(payload.as_ptr(), known_layout(old_size, align), new.size()) })
    }

    #[inline]
    unsafe fn free(&mut self, payload: NonNull<u8>, size: usize, align: usize) {
        // SAFETY: the caller got the payload from this allocator with this size and alignment, and uses it no more.
        unsafe { self.0.dealloc(payload.as_ptr(), known_layout(size, align)) };
    }
}

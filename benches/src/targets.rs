//! Other allocators as targets.

use std::alloc::Layout;
use std::fmt;
use std::ptr::NonNull;

use rlsf::{FlexSource, FlexTlsf, GlobalTlsf};
use snugfit_source::{Extent, os};
use snugfit_trace::{Global, Target};
use talc::TalcCell;
use talc::source::Claim;

/// Address space for one allocator: more than any bundled trace needs, and touched only as far as it is used.
const ROOM: usize = 256 << 20;

fn room() -> Extent {
    os::map(ROOM).expect("address space")
}

/// `talc`, as its documentation uses it in a single thread.
///
/// # Panics
/// If there is no address space for it.
#[must_use]
pub fn talc() -> Global<TalcCell<Claim>> {
    let room = room();
    // SAFETY: the mapping is used by nobody else, and for good.
    Global(TalcCell::new(unsafe { Claim::new(room.start.as_ptr(), room.len) }))
}

/// `dlmalloc` with its own system calls.
pub struct Dlmalloc(dlmalloc::Dlmalloc);

impl Dlmalloc {
    /// One that has nothing yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "as its own has none")]
    pub fn new() -> Self {
        Self(dlmalloc::Dlmalloc::new())
    }
}

impl fmt::Debug for Dlmalloc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dlmalloc")
    }
}

/// Alignment of what is not asked to be aligned.
const PLAIN: usize = 16;

// SAFETY: `dlmalloc` returns payloads as large and as aligned as asked for, apart from each other.
unsafe impl Target for Dlmalloc {
    #[inline]
    fn allocate(&mut self, size: usize) -> Option<NonNull<u8>> {
        self.allocate_aligned(size, PLAIN)
    }

    #[inline]
    fn allocate_zeroed(&mut self, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: asks for no more than memory.
        NonNull::new(unsafe { self.0.calloc(size, PLAIN) })
    }

    #[inline]
    fn allocate_aligned(&mut self, size: usize, align: usize) -> Option<NonNull<u8>> {
        // SAFETY: asks for no more than memory.
        NonNull::new(unsafe { self.0.malloc(size, align) })
    }

    #[inline]
    unsafe fn resize(
        &mut self,
        payload: NonNull<u8>,
        old_size: usize,
        align: usize,
        size: usize,
    ) -> Option<NonNull<u8>> {
        // SAFETY: the caller got the payload from this allocator, with that size and alignment.
        NonNull::new(unsafe { self.0.realloc(payload.as_ptr(), old_size, align, size) })
    }

    #[inline]
    unsafe fn free(&mut self, payload: NonNull<u8>, size: usize, align: usize) {
        // SAFETY: the caller got the payload from this allocator, with that size and alignment.
        unsafe { self.0.free(payload.as_ptr(), size, align) };
    }
}

/// `rlsf`, as its documentation uses it: its global allocator, which has a lock.
#[must_use]
pub fn rlsf() -> Global<GlobalTlsf> {
    Global(GlobalTlsf::new())
}

/// The engine of `rlsf` without the lock, with the same bitmaps, over a pool that grows in place.
pub struct RlsfBare(FlexTlsf<Pool, usize, usize, 64, 64>);

impl RlsfBare {
    /// One that has nothing yet but address space.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it takes a system call, which may fail")]
    pub fn new() -> Self {
        Self(FlexTlsf::new(Pool { room: room(), used: 0 }))
    }
}

impl fmt::Debug for RlsfBare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RlsfBare")
    }
}

#[inline]
fn layout(size: usize, align: usize) -> Option<Layout> {
    Layout::from_size_align(size, align).ok()
}

// SAFETY: `rlsf` returns payloads as large and as aligned as asked for, apart from each other.
unsafe impl Target for RlsfBare {
    #[inline]
    fn allocate(&mut self, size: usize) -> Option<NonNull<u8>> {
        self.allocate_aligned(size, PLAIN)
    }

    #[inline]
    fn allocate_zeroed(&mut self, size: usize) -> Option<NonNull<u8>> {
        let payload = self.allocate(size)?;
        // SAFETY: the payload has that many bytes.
        unsafe { payload.write_bytes(0, size) };
        Some(payload)
    }

    #[inline]
    fn allocate_aligned(&mut self, size: usize, align: usize) -> Option<NonNull<u8>> {
        self.0.allocate(layout(size, align)?)
    }

    #[inline]
    unsafe fn resize(
        &mut self,
        payload: NonNull<u8>,
        _old_size: usize,
        align: usize,
        size: usize,
    ) -> Option<NonNull<u8>> {
        // SAFETY: the caller got the payload from this allocator, with that alignment.
        unsafe { self.0.reallocate(payload, layout(size, align)?) }
    }

    #[inline]
    unsafe fn free(&mut self, payload: NonNull<u8>, _size: usize, align: usize) {
        // SAFETY: the caller got the payload from this allocator, with that alignment.
        unsafe { self.0.deallocate(payload, align) };
    }
}

/// One mapping, handed out from its start in steps.
struct Pool {
    room: Extent,
    used: usize,
}

impl Pool {
    const STEP: usize = 64 << 10;

    /// The first `len` bytes, rounded up to a step.
    fn first(&mut self, len: usize) -> Option<NonNull<[u8]>> {
        let len = len.checked_next_multiple_of(Self::STEP).filter(|&len| len <= self.room.len)?;
        self.used = len;
        Some(NonNull::slice_from_raw_parts(self.room.start, len))
    }
}

// SAFETY: the only pool is the start of a mapping that nobody else uses.
unsafe impl FlexSource for Pool {
    unsafe fn alloc(&mut self, min_size: usize) -> Option<NonNull<[u8]>> {
        if self.used == 0 { self.first(min_size) } else { None }
    }

    unsafe fn realloc_inplace_grow(&mut self, _pool: NonNull<[u8]>, min_new_len: usize) -> Option<usize> {
        self.first(min_new_len).map(|pool| pool.len())
    }

    fn supports_realloc_inplace_grow(&self) -> bool {
        true
    }

    fn is_contiguous_growable(&self) -> bool {
        true
    }

    fn min_align(&self) -> usize {
        4096
    }
}

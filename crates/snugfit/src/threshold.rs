//! From which size on a block is a mapping of its own.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Where the threshold starts, in bytes.
const FIRST: usize = 128 << 10;

/// Where it ends: a larger block is always a mapping of its own.
const LARGEST: usize = 32 << 20;

/// A mapping that is to shrink below this moves into the heap.
pub(crate) const KEEP: usize = FIRST / 2;

static THRESHOLD: AtomicUsize = AtomicUsize::new(FIRST);

/// Whether a block of `size` bytes is to be a mapping of its own.
#[inline]
pub(crate) fn is_direct(size: usize) -> bool {
    size >= THRESHOLD.load(Relaxed)
}

/// A mapping of `len` bytes was freed. A program that frees blocks of this size will ask for more of them: those come
/// from the heap, which keeps what it gets, so that a block that comes and goes costs no system calls. (glibc's malloc
/// learns in the same way; its manual describes it under `M_MMAP_THRESHOLD`.)
///
/// The caller holds the lock.
pub(crate) fn learn(len: usize) {
    if len <= LARGEST {
        THRESHOLD.store(THRESHOLD.load(Relaxed).max(len), Relaxed);
    }
}

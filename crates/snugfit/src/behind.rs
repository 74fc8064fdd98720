//! What lies behind the depot of an arena.

use core::ops::Range;
use core::ptr::NonNull;

use snugfit_cache::{Class, MAGAZINE, Supplier};
use snugfit_heap::Heap;
use snugfit_index::Part;
use snugfit_source::os::is_single_threaded;
use snugfit_tag::{HEADER, prefetch};

use crate::chained::{self, Overwritten};
use crate::own::with_own;
use crate::region::arena_of;
use crate::report;
use crate::state::{Index, Memory};
use crate::strays::Strays;

/// The heap, as it supplies the caches with blocks, and where their magazines are.
pub(crate) struct Behind<'a> {
    /// The number of the arena.
    pub(crate) number: usize,
    pub(crate) heap: &'a mut Heap<Memory, Index>,
    /// Bytes of magazines.
    pub(crate) magazines: &'a mut isize,
    pub(crate) strays: &'a mut Strays,
}

/// What the cache of a thread may hold: this many bytes, or this fraction of what the heap has in use, whichever is more.
/// Alone, a visit to the lock is cheap, and what is seldom used had better be coalesced.
const ALONE: (usize, usize) = (512 << 10, 16);
/// The same where there are other threads.
const SHARED: (usize, usize) = (64 << 10, 8);
/// And at most.
const THREAD_MOST: usize = 1 << 20;

// SAFETY: the heap gives out no byte twice, and knows nothing of caches.
unsafe impl Supplier for Behind<'_> {
    fn carve(&mut self, class: Class, count: usize, may_touch: bool, put: impl FnMut(NonNull<u8>)) -> usize {
        self.heap.carve(class.block_size(), count, may_touch, put)
    }

    unsafe fn take_back(&mut self, class: Class, blocks: impl Iterator<Item = NonNull<u8>>) {
        let Self { number, heap, strays, .. } = self;
        let own = blocks.filter(|&block| {
            let is_own = arena_of(block.as_ptr()) == *number;
            if !is_own {
                // SAFETY: what is in a cache is a block that nobody uses.
                unsafe { strays.push(block) };
            }
            is_own
        });
        // SAFETY: what is in a cache is a block that nobody uses, and those of other arenas were sorted out.
        if let Err((block, bad)) = unsafe { heap.deallocate_cached_all(class.block_size(), own) } {
            report::damaged_in_cache(block.as_ptr(), bad);
        }
    }

    unsafe fn take_back_large(&mut self, block: NonNull<u8>) {
        if arena_of(block.as_ptr()) != self.number {
            // SAFETY: what is in a cache is a block that nobody uses.
            return unsafe { self.strays.push(block) };
        }
        // SAFETY: as above, and it is one of this arena.
        unsafe { free_cached(self.heap, block) };
    }

    fn allocate(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        debug_assert!(bytes == MAGAZINE);
        let memory = with_own(|own| own.pool.take(&mut own.magazines))?;
        *self.magazines += MAGAZINE as isize;
        Some(memory)
    }

    unsafe fn release(&mut self, memory: NonNull<u8>) {
        // SAFETY: it came from `allocate`, and nobody uses it.
        with_own(|own| unsafe { own.pool.put(&mut own.magazines, memory) });
        *self.magazines -= MAGAZINE as isize;
    }

    unsafe fn note(&mut self, block: NonNull<u8>, word: usize, address: Option<NonNull<u8>>) {
        // SAFETY: the caller vouches for the block.
        unsafe { chained::note(block, word, address) };
    }

    unsafe fn noted(&self, block: NonNull<u8>, word: usize) -> Option<NonNull<u8>> {
        // SAFETY: the caller vouches for the block.
        match unsafe { chained::noted(block, word) } {
            Ok(address) => address,
            Err(Overwritten) => report::broken_in_heap(block.addr().get() - HEADER, Part::Link),
        }
    }

    unsafe fn noted_all(&self, holder: NonNull<u8>, words: Range<usize>, put: impl FnMut(NonNull<u8>)) {
        // SAFETY: the caller vouches for the block.
        if let Err(Overwritten) = unsafe { chained::noted_all(holder, words, put) } {
            report::broken_in_heap(holder.addr().get() - HEADER, Part::Link);
        }
    }

    fn prefetch(&self, block: NonNull<u8>, word: usize) {
        // What is noted in word 0 is wanted last, and lies in the line of the header.
        prefetch(block.as_ptr());
        prefetch(block.as_ptr().wrapping_add(word * size_of::<usize>()));
    }

    fn thread_limit(&self) -> usize {
        let (least, fraction) = if self.is_shared() { SHARED } else { ALONE };
        (self.heap.bytes_in_use() / fraction).max(least).min(THREAD_MOST)
    }

    fn is_shared(&self) -> bool {
        !is_single_threaded()
    }

    fn depot_limit(&self) -> usize {
        self.heap.footprint() / 4
    }

    fn depot_most(&self) -> usize {
        self.heap.footprint()
    }

    fn is_plenty(&self) -> bool {
        let footprint = self.heap.footprint();
        footprint - self.heap.bytes_in_use() > footprint / PLENTY_FRACTION
    }
}

/// Frees a block that a cache held. Ends the process if it was damaged meanwhile.
///
/// # Safety
/// - It is a cached block of that heap, and nobody uses it.
#[inline]
pub(crate) unsafe fn free_cached(heap: &mut Heap<Memory, Index>, block: NonNull<u8>) {
    // SAFETY: the caller vouches for it.
    if let Err(bad) = unsafe { heap.deallocate_cached(block) } {
        report::damaged_in_cache(block.as_ptr(), bad);
    }
}

/// Memory is plenty if more than this fraction of the heap is free, and in no cache. Holes and the like come to less.
const PLENTY_FRACTION: usize = 16;

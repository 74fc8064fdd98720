//! What is behind the caches: where their blocks come from, and their memory.

use core::ptr::NonNull;

use snugfit_cache::{Class, Depot, MAGAZINE, Supplier};
use snugfit_heap::Heap;
use snugfit_index::Part;
use snugfit_run::Runs;
use snugfit_source::os::is_single_threaded;
use snugfit_tag::{HEADER, prefetch};

use crate::caches::Owned;
use crate::chained::{self, Overwritten};
use crate::hardened::front::Front;
use crate::pool::{Pieces, Pool};
use crate::report;
use crate::small::{self, Wish};
use crate::state::{Index, Memory, State};

/// Memory that is not the heap's: for caches, and their magazines.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) pool: Pool,
    pub(crate) caches: Pieces,
    magazines: Pieces,
    pub(crate) fronts: Pieces,
}

impl Own {
    pub(crate) const NEW: Self = Self {
        pool: Pool::NEW,
        caches: Pieces::of(size_of::<Owned>()),
        magazines: Pieces::of(MAGAZINE),
        fronts: Pieces::of(size_of::<Front>()),
    };
}

/// The heap, as it supplies the caches with blocks, and where their magazines are.
pub(crate) struct Behind<'a> {
    pub(crate) heap: &'a mut Heap<Memory, Index>,
    pub(crate) runs: &'a mut Runs,
    pub(crate) own: &'a mut Own,
    /// Whose runs are used.
    pub(crate) owner: u8,
}

/// What the cache of a thread may hold: this many bytes, or this fraction of what the heap has in use, whichever is more.
/// Alone, a visit to the lock is cheap, and what is seldom used had better be coalesced.
const ALONE: (usize, usize) = (256 << 10, 32);
/// The same where there are other threads.
const SHARED: (usize, usize) = (64 << 10, 8);
/// And at most.
const THREAD_MOST: usize = 1 << 20;

// SAFETY: the heap gives out no byte twice, and knows nothing of caches.
unsafe impl Supplier for Behind<'_> {
    fn carve(&mut self, class: Class, count: usize, may_touch: bool, put: impl FnMut(NonNull<u8>)) -> usize {
        match class.run() {
            Some(class) => {
                let wish = Wish { owner: self.owner, class, count, may_touch };
                small::carve(self.runs, self.heap, wish, put)
            }
            None => self.heap.carve(class.block_size(), count, may_touch, put),
        }
    }

    unsafe fn take_back(&mut self, class: Class, blocks: impl Iterator<Item = NonNull<u8>>) {
        if let Some(class) = class.run() {
            // SAFETY: what is in a cache of such a class is a block of a run that nobody uses.
            return unsafe { self.runs.take_back(class, blocks) };
        }
        // SAFETY: what is in a cache is a block that nobody uses.
        if let Err((block, bad)) = unsafe { self.heap.deallocate_cached_all(class.block_size(), blocks) } {
            report::damaged_in_cache(block.as_ptr(), bad);
        }
    }

    fn allocate(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        debug_assert!(bytes == MAGAZINE);
        self.own.pool.take(&mut self.own.magazines)
    }

    unsafe fn release(&mut self, memory: NonNull<u8>) {
        // SAFETY: it came from `allocate`, and nobody uses it.
        unsafe { self.own.pool.put(&mut self.own.magazines, memory) };
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

    fn prefetch(&self, block: NonNull<u8>, word: usize) {
        // What is noted in word 0 is wanted last, and lies in the line of the header.
        prefetch(block.as_ptr());
        prefetch(block.as_ptr().wrapping_add(word * size_of::<usize>()));
    }

    fn thread_limit(&self) -> usize {
        let (least, fraction) = if self.is_shared() { SHARED } else { ALONE };
        (self.in_use() / fraction).max(least).min(THREAD_MOST)
    }

    fn is_shared(&self) -> bool {
        !is_single_threaded()
    }

    fn depot_limit(&self) -> usize {
        self.heap.footprint() / 4
    }

    fn is_plenty(&self) -> bool {
        let footprint = self.heap.footprint();
        footprint - self.in_use() > footprint / PLENTY_FRACTION
    }
}

impl Behind<'_> {
    /// Bytes of blocks that are out, those of caches among them.
    fn in_use(&self) -> usize {
        self.heap.bytes_in_use() - self.runs.free_bytes()
    }
}

/// Memory is plenty if more than this fraction of the heap is free, and in no cache. Holes and the like come to less.
const PLENTY_FRACTION: usize = 16;

impl State {
    /// The depot, and what is behind it.
    pub(crate) fn depot_and_behind(&mut self) -> (&mut Depot, Behind<'_>) {
        let Self { depot, heap, runs, own, .. } = self;
        (depot, Behind { heap, runs, own, owner: 0 })
    }
}

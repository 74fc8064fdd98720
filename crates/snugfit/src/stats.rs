//! The allocator in numbers.

use snugfit_source::os;

use crate::arena::Arena;
use crate::arenas::{self, with_all};
use crate::caches;
use crate::count::{self, ALLOCATIONS, FREES, Live, RESIZES};
use crate::own::with_own;
use crate::owners;
use crate::process::with;
use crate::slabs;
use crate::state::State;

/// The process's allocator in numbers. See [`stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes held from the system now and ever touched: the heap, as far as it was used, what its caches are kept in, and the
    /// direct mappings, whole.
    /// The page map is not in it: 4 KiB for every 16 MiB.
    pub footprint: usize,
    /// The most that `footprint` has been; where threads have several heaps, the sum of what it has been for each.
    pub peak_footprint: usize,
    /// Blocks of the heap in use; those of a sample, each a page, and those of no bytes are among them.
    pub heap_blocks: usize,
    /// Their bytes, headers and rounding included.
    pub heap_bytes: usize,
    /// Bytes of the heap's blocks that are kept for reuse, in the caches of threads and in what those share; and of what they
    /// are kept in, which is not the heap's.
    pub cached_bytes: usize,
    /// Segments of the heap: runs of memory, each as long as the system lets it grow.
    pub heap_segments: usize,
    /// Bytes that the heap has from the system, touched or not.
    pub heap_reserved: usize,
    /// Blocks that are mappings of their own.
    pub direct_blocks: usize,
    /// Their bytes, whole pages.
    pub direct_bytes: usize,
    /// System calls for memory, by this library alone: `brk`, `mmap`, `munmap`, `mremap`, `mprotect`, `madvise`.
    pub system_calls: usize,
    /// What is counted from [`count_calls`] on; zeros without it.
    pub counts: Counts,
}

/// What is counted of the calls to the allocator, if somebody asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Calls that allocate.
    pub allocations: usize,
    /// Calls that resize a block.
    pub resizes: usize,
    /// Calls that free a block.
    pub frees: usize,
    /// Usable bytes of the blocks in use.
    pub live: usize,
    /// The most that `live` has been.
    pub peak_live: usize,
}

/// The process's allocator in numbers. O(blocks): it walks the heap, and holds its lock meanwhile.
///
/// ```
/// let block = snugfit::mem_alloc(1000);
/// let stats = snugfit::stats();
/// assert!(stats.heap_blocks >= 1 && stats.heap_bytes >= 1000);
/// assert!(stats.peak_footprint >= stats.footprint && stats.footprint >= stats.heap_bytes);
/// # unsafe { snugfit::mem_free(block) };
/// ```
#[must_use]
pub fn stats() -> Stats {
    with_all(|state, others| {
        let hardened = state.hardened.as_ref().map(|hardened| hardened.heap.stats()).unwrap_or_default();
        let mut stats = Stats {
            footprint: hardened.footprint + state.directs.bytes + state.sampled.bytes(),
            peak_footprint: state.peak_footprint(),
            heap_blocks: hardened.blocks_in_use
                + state.hardened.as_ref().map_or(0, |hardened| hardened.zero_sized.live)
                + state.sampled.live,
            heap_bytes: hardened.bytes_in_use + state.sampled.bytes(),
            cached_bytes: hardened.bytes_cached,
            heap_segments: hardened.segments,
            heap_reserved: hardened.reserved,
            direct_blocks: state.directs.count,
            direct_bytes: state.directs.bytes,
            system_calls: os::calls(),
            counts: counts(state),
        };
        stats.add(&state.main);
        for arena in others.iter().flatten() {
            stats.add(arena);
            stats.peak_footprint += arena.heap.peak_footprint();
        }
        owners::with_stock(|stock, _| {
            let totals = stock.totals(&slabs::SPACE);
            stats.footprint += stock.footprint();
            stats.heap_blocks += totals.blocks;
            stats.heap_bytes += totals.bytes;
        });
        with_own(|own| {
            stats.footprint += own.pool.touched();
            stats.cached_bytes += own.pool.in_use();
        });
        stats
    })
}

impl Stats {
    /// Adds what an arena has.
    fn add(&mut self, arena: &Arena) {
        let heap = arena.heap.stats();
        self.footprint += heap.footprint;
        self.heap_blocks += heap.blocks_in_use;
        self.heap_bytes += heap.bytes_in_use;
        self.cached_bytes += heap.bytes_cached;
        self.heap_segments += heap.segments;
        self.heap_reserved += heap.reserved;
    }
}

fn counts(state: &State) -> Counts {
    let Live { bytes, peak } = state.live.unwrap_or_default();
    let (allocations, resizes, frees) = (ALLOCATIONS.get(), RESIZES.get(), FREES.get());
    Counts { allocations, resizes, frees, live: bytes, peak_live: peak }
}

/// Counts calls and live bytes from now on, see [`Stats::counts`]. Each call is slower then: it takes a lock, as it would
/// without a cache. Threads that have been allocating for a while are counted a few calls later; start counting before
/// them.
pub fn count_calls() {
    count::start();
    with(|state| state.live = state.live.or(Some(Live::default())));
}

/// Gives unused memory back to the system: the end of the heap but for `keep` bytes, and what lies in large free blocks.
/// Returns the number of bytes that the system was given or told to drop, whether or not it held them.
///
/// The heap trims itself when much is free at its end; this is for a program that knows that it will be idle. O(free
/// blocks), and a system call for each free block of 64 KiB or more.
pub fn trim(keep: usize) -> usize {
    caches::empty_mine();
    arenas::trim_others(keep) + with(|state| state.trim(keep)) + owners::purge()
}

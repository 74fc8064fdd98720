//! The allocator in numbers, and whether it is as it should be.

use core::error::Error;
use core::fmt;

use snugfit_heap::SegmentInfo;
use snugfit_source::os;

use crate::caches;
use crate::count::{self, ALLOCATIONS, FREES, Live, RESIZES};
use crate::page_map::Page;
use crate::process::with;
use crate::state::{PAGES, State};

/// The process's allocator in numbers. See [`stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes held from the system now and ever touched: the heap, as far as it was used, and the direct mappings, whole.
    /// The page map is not in it: 4 KiB for every 16 MiB.
    pub footprint: usize,
    /// The most that `footprint` has been.
    pub peak_footprint: usize,
    /// Blocks of the heap in use; those of a sample, each a page, and those of no bytes are among them.
    pub heap_blocks: usize,
    /// Their bytes, headers and rounding included.
    pub heap_bytes: usize,
    /// Bytes of the heap's blocks that are kept for reuse: in the caches of threads, in what those share, and what they are
    /// kept in.
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
    with(|state| {
        let heap = state.heap.stats();
        let hardened = state.hardened.as_ref().map(|hardened| hardened.heap.stats()).unwrap_or_default();
        let directs = state.directs;
        let sampled = state.sampled.live;
        let empty = state.hardened.as_ref().map_or(0, |hardened| hardened.zero_sized.live);
        let sampled_bytes = state.sampled.bytes();
        Stats {
            footprint: heap.footprint + hardened.footprint + directs.bytes + sampled_bytes,
            peak_footprint: state.peak_footprint(),
            heap_blocks: heap.blocks_in_use + hardened.blocks_in_use + empty + sampled,
            heap_bytes: heap.bytes_in_use + hardened.bytes_in_use + sampled_bytes,
            cached_bytes: heap.bytes_cached + hardened.bytes_cached,
            heap_segments: heap.segments + hardened.segments,
            heap_reserved: heap.reserved + hardened.reserved,
            direct_blocks: directs.count,
            direct_bytes: directs.bytes,
            system_calls: os::calls(),
            counts: counts(state),
        }
    })
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
    with(|state| state.trim(keep))
}

/// A broken invariant of the process's allocator. See [`validate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// One of the heap's own.
    Heap(snugfit_heap::Violation),
    /// The page map does not know a page of the segment at this address.
    PageMap(usize),
    /// The header or length of the direct mapping at this address was overwritten.
    Direct(usize),
    /// The direct mappings are not those that were counted.
    DirectSum,
    /// The block at this address is in a cache, and its header says that it is not.
    Cached(usize),
    /// Not each cached block is in a cache once.
    CachedSum,
    /// Memory that was freed does not hold any more what it was filled with.
    WrittenAfterFree {
        /// Where the block started.
        block: usize,
        /// Bytes from there to the first that has changed.
        offset: usize,
    },
    /// Something around the sampled allocation at this address was overwritten.
    Sampled(usize),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Heap(violation) => violation.fmt(f),
            Self::PageMap(at) => write!(f, "the page map does not know the segment at {at:#x}"),
            Self::Direct(at) => write!(f, "the header of the direct mapping at {at:#x} was overwritten"),
            Self::DirectSum => f.write_str("the direct mappings are not those that were counted"),
            Self::Cached(at) => {
                write!(f, "the block at {at:#x} is in a cache, and its header is not that of a cached one")
            }
            Self::CachedSum => f.write_str("not each cached block is in a cache once"),
            Self::WrittenAfterFree { block, offset } => {
                write!(f, "the freed block at {block:#x} was written after it was freed, at byte {offset}")
            }
            Self::Sampled(at) => write!(f, "something around the sampled block at {at:#x} was overwritten"),
        }
    }
}

impl Error for Violation {}

/// Checks the whole allocator: every invariant of the heap, that the page map knows its pages, the header of every
/// direct mapping, and what is cached. (The caches of other threads are left out: they are at work.) O(blocks), and the lock is held meanwhile; nothing is allocated.
///
/// # Errors
/// The first violation met.
pub fn validate() -> Result<(), Violation> {
    with(|state| {
        state.heap.validate().map_err(Violation::Heap)?;
        validate_pages(state.heap.segments(), Page::Heap)?;
        let (mut count, mut bytes) = (0, 0);
        for mapping in state.mappings() {
            if !state.is_sound(mapping) {
                return Err(Violation::Direct(mapping.extent().start.addr().get()));
            }
            count += 1;
            bytes += mapping.len();
        }
        let counted = (state.directs.count, state.directs.bytes);
        if counted != (count, bytes) {
            return Err(Violation::DirectSum);
        }
        if let Some(at) = state.sampled.damaged(state.key()) {
            return Err(Violation::Sampled(at));
        }
        state.hardened.as_ref().map_or(Ok(()), |hardened| hardened.validate())?;
        state.validate_caches()
    })
}

/// Checks that the page map knows all pages of `segments` as `page`.
pub(crate) fn validate_pages(
    mut segments: impl Iterator<Item = SegmentInfo>,
    page: Page,
) -> Result<(), Violation> {
    let unknown = segments.find(|segment| !PAGES.is_all(segment.start, segment.len, page));
    unknown.map_or(Ok(()), |segment| Err(Violation::PageMap(segment.start)))
}

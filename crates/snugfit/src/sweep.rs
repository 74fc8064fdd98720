//! Whether the allocator is as it should be: all of it, looked at.

use core::cell::Cell;
use core::error::Error;
use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use snugfit_heap::SegmentInfo;

use crate::arena::Arena;
use crate::arenas::{is_any_in_transit, with_all};
use crate::caches::is_mine;
use crate::chained::{self, Overwritten};
use crate::count;
use crate::front;
use crate::own::with_own;
use crate::owners;
use crate::page_map::Page;
use crate::report;
use crate::slabs;
use crate::state::{PAGES, State};

/// A broken invariant of the process's allocator. See [`check`].
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
    /// The block at this address is in a cache, and its link to the next one was overwritten.
    Chained(usize),
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
    /// One of the slabs.
    Slab(snugfit_slab::Violation),
}

impl Violation {
    /// The number of the invariant: 1 to 9 are the [heap's](snugfit_heap), 8 and 9 also those of what is beside it (that each
    /// cached block is in one magazine, and segments in the page map), 10 is that of direct mappings, and
    /// 11 is what the hardened mode keeps: fills of freed memory, and what lies around sampled allocations; 12 is that of slabs.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Heap(violation) => violation.number(),
            Self::Cached(_) | Self::Chained(_) | Self::CachedSum => 8,
            Self::PageMap(_) => 9,
            Self::Direct(_) | Self::DirectSum => 10,
            Self::WrittenAfterFree { .. } | Self::Sampled(_) => 11,
            Self::Slab(_) => 12,
        }
    }

    /// Where it was noticed, if it was in one place: a block (the address of its header, or of its payload if it is a cached
    /// one), a segment, a mapping, or the first byte that was written.
    #[must_use]
    pub const fn address(self) -> Option<usize> {
        match self {
            Self::Heap(violation) => violation.address(),
            Self::PageMap(at)
            | Self::Direct(at)
            | Self::Cached(at)
            | Self::Chained(at)
            | Self::Sampled(at) => Some(at),
            Self::WrittenAfterFree { block, offset } => Some(block + offset),
            Self::Slab(violation) => violation.address(),
            Self::DirectSum | Self::CachedSum => None,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(self, Self::Heap(_)) {
            write!(f, "invariant {}: ", self.number())?;
        }
        match self {
            Self::Heap(violation) => violation.fmt(f),
            Self::PageMap(at) => write!(f, "the page map does not know the segment at {at:#x}"),
            Self::Direct(at) => write!(f, "the header of the direct mapping at {at:#x} was overwritten"),
            Self::DirectSum => f.write_str("the direct mappings are not those that were counted"),
            Self::Cached(at) => {
                write!(f, "the block at {at:#x} is in a cache, and its header is not that of a cached one")
            }
            Self::Chained(at) => {
                write!(f, "the block at {at:#x} is in a cache, and its link was overwritten")
            }
            Self::CachedSum => f.write_str("not each cached block is in a cache once"),
            Self::WrittenAfterFree { block, offset } => {
                write!(f, "the freed block at {block:#x} was written after it was freed, at byte {offset}")
            }
            Self::Slab(violation) => violation.fmt(f),
            Self::Sampled(at) => write!(f, "something around the sampled block at {at:#x} was overwritten"),
        }
    }
}

impl Error for Violation {}

/// Checks the whole allocator: every invariant of the heap, the links of free blocks among them; that the page map knows its
/// pages; the header of every direct mapping; what is cached. (The caches of other threads are left out: they are at work.)
/// O(blocks), and the lock is held meanwhile; nothing is allocated.
///
/// Whatever was overwritten in the heap, it comes to an end, and reads nothing but what is the allocator's.
///
/// # Errors
/// The first violation met.
///
/// ```
/// assert_eq!(snugfit::check(), Ok(()));
/// ```
pub fn check() -> Result<(), Violation> {
    let mut first = Ok(());
    check_each(|violation| {
        if first.is_ok() {
            first = Err(violation);
        }
    });
    first
}

/// [`check`], by its first name.
///
/// # Errors
/// The same.
pub fn validate() -> Result<(), Violation> {
    check()
}

/// Checks as [`check`] does, and shows all that it finds: of the heap the first violation, which may be the cause of others;
/// each mapping and each cached block that is damaged. Returns how many.
///
/// `found` is called under the lock: it must not allocate or free.
pub fn check_each(mut found: impl FnMut(Violation)) -> usize {
    let mut count = 0;
    let mut report = |result: Result<(), Violation>| {
        if let Err(violation) = result {
            count += 1;
            found(violation);
        }
    };
    with_all(|state, others| {
        let arenas = || [&state.main].into_iter().chain(others.iter().flatten().map(|arena| &**arena));
        for arena in arenas() {
            report(arena.heap.validate().map_err(Violation::Heap));
            report(check_pages(arena.heap.segments(), Page::Heap));
        }
        state.check_mappings(&mut report);
        report(state.sampled.damaged(state.key()).map_or(Ok(()), |at| Err(Violation::Sampled(at))));
        if let Some(hardened) = &state.hardened {
            report(hardened.validate(&|payload| state.is_busy(payload)));
        }
        report(
            owners::with_stock(|stock, mine| stock.validate(&slabs::SPACE, mine)).map_err(Violation::Slab),
        );
        state.check_caches(arenas, &mut report);
    });
    count
}

/// Checks that the page map knows all pages of `segments` as `page`.
pub(crate) fn check_pages(
    mut segments: impl Iterator<Item = SegmentInfo>,
    page: Page,
) -> Result<(), Violation> {
    let unknown = segments.find(|segment| !PAGES.is_all(segment.start, segment.len, page));
    unknown.map_or(Ok(()), |segment| Err(Violation::PageMap(segment.start)))
}

/// Blocks, summed up as in `snugfit_heap`: different ones have different sums, but by a rare accident.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    count: usize,
    mixed: usize,
}

impl Tally {
    fn add(&mut self, payload: NonNull<u8>) {
        let address = payload.addr().get();
        self.count += 1;
        self.mixed = self
            .mixed
            .wrapping_add((address ^ address >> 33).wrapping_mul(0xFF51_AFD7_ED55_8CCD).rotate_left(31));
    }
}

impl State {
    fn check_mappings(&self, report: &mut impl FnMut(Result<(), Violation>)) {
        let (mut count, mut bytes) = (0, 0);
        let mut all_sound = true;
        for mapping in self.mappings() {
            count += 1;
            bytes += mapping.len();
            if !self.is_sound(mapping) {
                all_sound = false;
                report(Err(Violation::Direct(mapping.extent().start.addr().get())));
            }
        }
        if all_sound && (self.directs.count, self.directs.bytes) != (count, bytes) {
            report(Err(Violation::DirectSum));
        }
    }

    /// Each block in a cache is a cached one; and each cached block is in one cache, if no other thread has one.
    fn check_caches<'a, A: Iterator<Item = &'a Arena>>(
        &self,
        arenas: impl Fn() -> A,
        report: &mut impl FnMut(Result<(), Violation>),
    ) {
        let mut cached = Tally::default();
        let mut all_cached = true;
        let mut visit = |payload: NonNull<u8>| {
            if with_own(|own| own.pool.contains(payload.addr().get())) {
                // A magazine.
                return;
            }
            cached.add(payload);
            if !front::is_in_heap(payload.as_ptr()) || !front::is_cached(payload) {
                all_cached = false;
                report(Err(Violation::Cached(payload.addr().get())));
            }
        };
        let broken = Cell::new(None);
        let noted = |block: NonNull<u8>, word| {
            // SAFETY: the depot asks for words that it has noted.
            let address = unsafe { chained::noted(block, word) };
            address.unwrap_or_else(|Overwritten| {
                broken.set(Some(block.addr().get()));
                None
            })
        };
        arenas().for_each(|arena| arena.depot.for_each(noted, &mut visit));
        let mut others = usize::from(is_any_in_transit());
        for owned in self.caches.iter() {
            if is_mine(owned) {
                // SAFETY: it is this thread's.
                unsafe { owned.as_ref() }.cache.for_each(&mut visit);
            } else {
                others += 1;
            }
        }
        if let Some(at) = broken.get() {
            return report(Err(Violation::Chained(at)));
        }
        if !all_cached {
            return;
        }
        let mut sealed = Tally::default();
        let is_cached = |block: &snugfit_heap::BlockInfo| block.state == Some(snugfit_tag::State::Cached);
        for block in arenas().flat_map(|arena| arena.heap.blocks()).filter(is_cached) {
            sealed.add(block.payload);
        }
        let is_all = if others == 0 && self.caches.lost() == 0 {
            cached == sealed
        } else {
            cached.count <= sealed.count && (others > 0 || sealed.count - cached.count <= self.caches.lost())
        };
        report(if is_all { Ok(()) } else { Err(Violation::CachedSum) });
    }
}

/// After how many calls everything is checked; 0 for never.
static EVERY: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Checks everything each time that `calls` calls have been made, from now on; 0 ends that. What [`check`] finds ends the
/// process, with a line that says what it is. Each call is slower then, even those between two checks: they take a lock, as they
/// would without a cache. Threads that have been allocating for a while take part a few calls later.
pub fn check_every(calls: usize) {
    EVERY.store(calls, Relaxed);
    count::hide_caches();
}

/// Whether calls are to be counted for [`check_every`].
#[inline]
pub(crate) fn is_due_at_all() -> bool {
    EVERY.load(Relaxed) > 0
}

/// A call to the allocator was made.
#[inline]
pub(crate) fn tick() {
    if is_due_at_all() {
        tick_slowly();
    }
}

#[cold]
fn tick_slowly() {
    let calls = CALLS.fetch_add(1, Relaxed) + 1;
    let is_due = calls.checked_rem(EVERY.load(Relaxed)) == Some(0);
    if is_due && let Err(violation) = check() {
        report::abort_with_violation("check", violation);
    }
}

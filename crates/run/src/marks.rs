//! Where the marks of all blocks are.

use core::fmt;
use core::hint::assert_unchecked;
use core::ptr::{NonNull, null, null_mut, with_exposed_provenance};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, AtomicUsize};

use snugfit_source::{Extent, os};

use crate::mark::{Cell, Mark};
use crate::run::{PAGE, PIECE, Run, TINY};

/// A byte for each 32 bytes of memory, and what is known of a run for each page, at places that follow from the address.
///
/// ```text
///   address  | 14 bits: which memory | 12 bits: region | 9 bits: page | 7 bits: mark | 5 bits |
///
///   regions  4096 numbers: the upper 26 bits of the memory that has marks there
///   marks    64 KiB for each region of 2 MiB, 256 MiB of addresses in all
///   runs     6 KiB for each region
/// ```
///
/// Memory that lies 8 GiB apart has its marks in the same place, so only one of two such regions can have any; the other does
/// without runs. The addresses are set aside once, and touched where there are runs.
pub struct Marks {
    marks: AtomicPtr<AtomicU8>,
    runs: AtomicPtr<Run>,
    /// The number of the region whose marks are there.
    regions: [AtomicUsize; REGIONS],
}

/// Addresses have 47 bits at most.
const REGION_BITS: u32 = 21;
pub(crate) const REGIONS: usize = 1 << 12;
/// Pages of a region.
pub(crate) const REGION_PAGES: usize = 1 << (REGION_BITS - PAGE.ilog2());
/// Bytes of a region of memory: all of it has marks, or none.
pub const REGION: usize = 1 << REGION_BITS;
const MARK_BITS: u32 = PIECE.ilog2();
/// Marks of all regions.
const MARKS: usize = REGIONS << (REGION_BITS - MARK_BITS);
/// Pages of all regions.
const PAGES: usize = REGIONS * REGION_PAGES;
/// In place of the number of a region: nothing has its marks there. No address has this number.
const NONE: usize = usize::MAX;

const GRANULE: usize = 16;
const GRANULE_BITS: u32 = GRANULE.ilog2();

impl Marks {
    /// Nothing has marks.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            marks: AtomicPtr::new(null_mut()),
            runs: AtomicPtr::new(null_mut()),
            regions: [const { AtomicUsize::new(NONE) }; REGIONS],
        }
    }

    /// The mark of `address`, if it is a multiple of 16 and lies in memory that has marks. The address may be any.
    #[inline(always)]
    #[must_use]
    pub fn find(&'static self, address: usize) -> Option<Cell> {
        // The bits below the granule become the highest ones: a misaligned address is in no region.
        let granule = address.rotate_right(GRANULE_BITS);
        let region = granule >> (REGION_BITS - GRANULE_BITS);
        let known = self.regions[region % REGIONS].load(Relaxed);
        if known != region {
            return None;
        }
        // SAFETY: the region has marks, and the address is aligned.
        Some(unsafe { self.cell(granule << GRANULE_BITS) })
    }

    /// The mark of `address`.
    ///
    /// # Safety
    /// - It lies in memory that has marks.
    #[inline(always)]
    #[must_use]
    pub unsafe fn cell(&'static self, address: usize) -> Cell {
        let at = (address >> MARK_BITS) % MARKS;
        let marks = self.marks.load(Relaxed);
        // SAFETY: the marks are mapped from when the first region was covered, and stay.
        unsafe {
            assert_unchecked(!marks.is_null());
            Cell::new(&*marks.add(at))
        }
    }

    /// The mark of a block of `class`.
    ///
    /// # Safety
    /// - `address` lies in a run of that class.
    #[inline]
    #[must_use]
    pub unsafe fn cell_of(&'static self, address: usize, class: u8) -> Cell {
        // SAFETY: the caller vouches for the run, which has marks.
        unsafe { if class == TINY { tiny_cell(address) } else { self.cell(address) } }
    }

    /// The marks of the run of `class` at `page`.
    ///
    /// # Safety
    /// - It is one, or is to be one.
    pub(crate) unsafe fn of_run(&'static self, page: usize, class: u8) -> RunMarks {
        if class == TINY {
            return RunMarks { first: with_exposed_provenance(page), shift: GRANULE_BITS };
        }
        // SAFETY: the caller vouches for the page.
        let first = unsafe { self.marks.load(Relaxed).add((page >> MARK_BITS) % MARKS) };
        RunMarks { first, shift: MARK_BITS }
    }

    /// Whether the page of `address`, which may be any, has marks.
    #[inline]
    #[must_use]
    pub fn covers(&self, address: usize) -> bool {
        let region = address >> REGION_BITS;
        self.regions[region % REGIONS].load(Acquire) == region
    }

    /// The class of the run in which `address` lies, which may be any; 0 if it lies in none, and [`CLASSES`](crate::CLASSES) if
    /// that has no class yet.
    #[inline]
    #[must_use]
    pub fn run_class(&self, address: usize) -> u8 {
        if !self.covers(address) {
            return 0;
        }
        // SAFETY: the page has a place among the runs.
        unsafe { (*self.run(page_number(address))).class() }
    }

    /// Where what is known of page `number` is. Only if something is covered.
    #[inline]
    pub(crate) fn run(&self, number: u32) -> *mut Run {
        // SAFETY: the runs are mapped, one for each number.
        unsafe { self.runs.load(Relaxed).add(number as usize % PAGES) }
    }

    /// The address of page `number`, in a region that is covered.
    pub(crate) fn page(&self, number: u32) -> usize {
        let number = number as usize;
        let region = self.regions[number / REGION_PAGES % REGIONS].load(Relaxed);
        (region << REGION_BITS) + number % REGION_PAGES * PAGE
    }

    /// Gives marks to `extent`, as far as there is room for them. One thread at a time. `is_used` tells whether anything of
    /// the region at an address is still in use: one that is not gives its place up.
    pub fn cover(&self, extent: Extent, is_used: impl Fn(usize) -> bool) {
        if self.marks.load(Relaxed).is_null() && !self.map() {
            return;
        }
        for region in extent.start.addr().get() >> REGION_BITS..=(extent.end() - 1) >> REGION_BITS {
            let place = &self.regions[region % REGIONS];
            let known = place.load(Relaxed);
            let is_free = if known == NONE {
                self.commit(region % REGIONS)
            } else {
                known != region && !is_used(known << REGION_BITS)
            };
            if is_free {
                place.store(region, Release);
            }
        }
    }

    #[cold]
    fn map(&self) -> bool {
        if os::is_address_space_scarce() {
            return false;
        }
        let Some(extent) = os::reserve(MARKS + PAGES * size_of::<Run>()) else { return false };
        // SAFETY: the addresses are the caller's.
        unsafe { os::without_huge_pages(extent) };
        // SAFETY: the runs lie behind the marks.
        self.runs.store(unsafe { extent.start.as_ptr().add(MARKS).cast() }, Relaxed);
        self.marks.store(extent.start.as_ptr().cast(), Release);
        true
    }

    /// Makes the marks at place `at` of the regions usable, and what is known of the runs there. All at once would be too much
    /// for a process that has its memory locked (`mlockall`): then all that can be touched takes memory.
    #[cold]
    fn commit(&self, at: usize) -> bool {
        let page = os::page_size();
        let pages_of = |base: *mut u8, size: usize| {
            let (from, end) = (at * size / page * page, ((at + 1) * size).next_multiple_of(page));
            NonNull::new(base.wrapping_add(from)).map(|start| Extent { start, len: end - from })
        };
        let marks = pages_of(self.marks.load(Relaxed).cast(), REGION >> MARK_BITS);
        let runs = pages_of(self.runs.load(Relaxed).cast(), REGION_PAGES * size_of::<Run>());
        // SAFETY: the pages were reserved; runs begin at a page, since all marks are whole pages.
        marks.into_iter().chain(runs).all(|extent| unsafe { os::commit(extent) })
    }

    /// Drops the memory of the marks at place `at` of the regions. Returns how many bytes that were.
    ///
    /// # Safety
    /// - No run is there.
    pub(crate) unsafe fn purge(&self, at: usize) -> usize {
        let Some(marks) = NonNull::new(self.marks.load(Relaxed)) else { return 0 };
        let len = 1 << (REGION_BITS - MARK_BITS);
        // SAFETY: there are marks of so many regions.
        let start = unsafe { marks.cast::<u8>().add(at * len) };
        // SAFETY: without a run they are all zero: to read that from fresh memory is the same.
        if unsafe { os::purge(Extent { start, len }) } { len } else { 0 }
    }
}

/// The marks of a run.
#[derive(Clone, Copy)]
pub(crate) struct RunMarks {
    first: *const AtomicU8,
    shift: u32,
}

impl RunMarks {
    /// Those of no run.
    pub(crate) const NONE: Self = Self { first: null(), shift: 0 };

    /// Sets all marks of a page.
    ///
    /// # Safety
    /// - They are those of a page.
    pub(crate) unsafe fn fill(self, mark: Mark) {
        let words = self.first.cast::<AtomicU64>();
        for at in 0..(PAGE >> self.shift) / size_of::<u64>() {
            // SAFETY: the marks of a page are so many words.
            unsafe { (*words.add(at)).store(mark.repeated(), Relaxed) };
        }
    }

    /// The mark of the block that lies `offset` bytes from the start of the run.
    ///
    /// # Safety
    /// - There is one.
    #[inline(always)]
    pub(crate) unsafe fn at(self, offset: usize) -> Cell {
        // SAFETY: the caller vouches for the offset; marks stay.
        Cell::new(unsafe { &*self.first.add(offset >> self.shift) })
    }
}

/// The mark of the [`TINY`] block at `address`: one of the first 256 bytes of its page.
///
/// # Safety
/// - The address lies in a run of that class.
#[inline(always)]
#[must_use]
pub unsafe fn tiny_cell(address: usize) -> Cell {
    let at = address & !(PAGE - 1) | (address >> GRANULE_BITS) & (PAGE / GRANULE - 1);
    // SAFETY: the caller vouches for the page.
    Cell::new(unsafe { &*with_exposed_provenance::<AtomicU8>(at) })
}

/// The number of the page of `address`, in [`Marks`].
#[inline]
pub(crate) fn page_number(address: usize) -> u32 {
    (address / PAGE % PAGES) as u32
}

impl Default for Marks {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Marks")
    }
}

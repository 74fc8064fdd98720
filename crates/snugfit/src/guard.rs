//! Where the links of free blocks may lead: into their heap.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use snugfit_index::{Guard, Part};
use snugfit_source::Extent;
use snugfit_tag::{Block, GRANULE, HEADER, LINKS_CHECKED};

use crate::page_map::Page;
use crate::region;
use crate::report;
use crate::state::PAGES;

/// The guard of a heap of the process: it knows its pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inside<const HARDENED: bool>;

/// The guard of the usual heap.
pub(crate) type InHeap = Inside<false>;
/// The guard of the heap of the hardened mode.
pub(crate) type InHardened = Inside<true>;

/// Where each of them is.
pub(crate) static HEAP: Near = Near::nowhere();
pub(crate) static HARDENED: Near = Near::nowhere();

impl<const HARDENED: bool> Guard for Inside<HARDENED> {
    #[inline(always)]
    fn may_follow(block: Block) -> bool {
        !LINKS_CHECKED
            || Self::is_near(block)
            || is_far(block, if HARDENED { Page::Hardened } else { Page::Heap })
    }

    #[inline(always)]
    fn is_near(block: Block) -> bool {
        if HARDENED {
            return !LINKS_CHECKED || self::HARDENED.contains(block.address());
        }
        !LINKS_CHECKED || HEAP.contains(block.address()) || region::has_header(block.address())
    }

    #[cold]
    #[inline(never)]
    fn broken(block: usize, part: Part) -> ! {
        report::broken_in_heap(block, part)
    }
}

/// Whether `block` might be one, in a page of that kind, that is not [near](Near).
#[cold]
#[inline(never)]
fn is_far(block: Block, page: Page) -> bool {
    let first = block.address();
    let is_inside = |address| PAGES.page(address) == page;
    first % GRANULE == HEADER && is_inside(first) && is_inside(first.wrapping_add(GRANULE))
}

/// The memory that a heap got first, as far as it goes without a gap, and that which it got last.
///
/// It is written under the lock, and read by who has it; but who has that of another heap looks here too, for what should be a link
/// of its own and was overwritten.
#[derive(Debug)]
pub(crate) struct Near([AtomicUsize; 4]);

/// Memory without a gap.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Where the lowest header can be.
    start: usize,
    /// How many granules there are from there on.
    len: usize,
}

impl Run {
    fn of(extent: Extent) -> Self {
        Self { start: extent.start.addr().get() + HEADER, len: extent.len / GRANULE - 1 }
    }

    /// Whether a header can be at `address`, and two words behind it: one comparison, as in
    /// [`Range::contains`](crate::range::Range::contains).
    #[inline(always)]
    fn contains(self, address: usize) -> bool {
        address.wrapping_sub(self.start).rotate_right(GRANULE.ilog2()) < self.len
    }

    fn end(self) -> usize {
        self.start + self.len * GRANULE + HEADER
    }
}

impl Near {
    pub(crate) const fn nowhere() -> Self {
        Self([const { AtomicUsize::new(0) }; 4])
    }

    /// The first run, and the last one.
    #[inline(always)]
    fn runs(&self) -> [Run; 2] {
        let [start, len, last_start, last_len] = &self.0;
        let run = |start: &AtomicUsize, len: &AtomicUsize| Run {
            start: start.load(Relaxed),
            len: len.load(Relaxed),
        };
        [run(start, len), run(last_start, last_len)]
    }

    fn set(&self, runs: [Run; 2]) {
        let [first, last] = runs;
        for (word, value) in self.0.iter().zip([first.start, first.len, last.start, last.len]) {
            word.store(value, Relaxed);
        }
    }

    #[inline(always)]
    fn contains(&self, address: usize) -> bool {
        let [first, last] = self.runs();
        last.contains(address) || first.contains(address)
    }

    /// Whether the byte at `address` lies in memory that is near. Only under the lock.
    #[inline(always)]
    pub(crate) fn has_byte(&self, address: usize) -> bool {
        self.contains(address & !(GRANULE - 1) | HEADER)
    }

    /// The heap got `extent`. Only under the lock.
    pub(crate) fn grow(&self, extent: Extent) {
        let runs = self.runs();
        let more = Run::of(extent);
        let grown = runs.map(|run| {
            let continues = run.len > 0 && run.end() == extent.start.addr().get();
            if continues { Run { start: run.start, len: run.len + more.len + 1 } } else { run }
        });
        self.set(if grown.iter().zip(runs).any(|(grown, run)| grown.len != run.len) {
            grown
        } else if runs[0].len == 0 {
            [more; 2]
        } else {
            [runs[0], more]
        });
    }

    /// The heap gives `extent` back. Only under the lock.
    pub(crate) fn cut(&self, extent: Extent) {
        let from = extent.start.addr().get();
        self.set(self.runs().map(|run| {
            let is_cut = from < run.end() && extent.end() > run.start;
            let len = if is_cut { from.saturating_sub(run.start + HEADER) / GRANULE } else { run.len };
            Run { start: run.start, len }
        }));
    }
}

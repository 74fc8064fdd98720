//! Blocks in runs: the runs' pages are blocks of the heap.

use core::iter;
use core::ptr::NonNull;

use snugfit_cache::Class;
use snugfit_heap::{BadPointer, Heap};
use snugfit_index::Part;
use snugfit_run::{Mark, PAGE, Runs};
use snugfit_source::os::is_single_threaded;
use snugfit_tag::{GRANULE, HEADER, State as BlockState};

use crate::finding::FoundBlock;
use crate::front::MARKS;
use crate::live::{Live, live};
use crate::report;
use crate::state::{Index, Memory, State};

/// Gives up to `count` blocks of `class` to `put`; returns how many. If none is free in any run, a page becomes one, which may
/// be memory that was never used before if `may_touch` says so.
///
/// What others own is taken over before memory is touched that was never used, if it is much; threads whose blocks lie in one page
/// wait for each other's writes.
pub(crate) fn carve(
    runs: &mut Runs,
    heap: &mut Heap<Memory, Index>,
    Wish { owner, class, count, may_touch }: Wish,
    mut put: impl FnMut(NonNull<u8>),
) -> usize {
    let carved = runs.carve(owner, class, count, &mut put);
    if carved > 0 {
        return carved;
    }
    let others = runs.free_bytes() - runs.empty_bytes();
    let is_much = is_single_threaded() || others > OTHERS + heap.footprint() / OTHERS_FRACTION;
    if is_much && runs.adopt(owner, class) || add_runs(runs, heap, may_touch) {
        runs.carve(owner, class, count, put)
    } else {
        0
    }
}

/// Which blocks are wanted.
pub(crate) struct Wish {
    pub(crate) owner: u8,
    pub(crate) class: u8,
    pub(crate) count: usize,
    pub(crate) may_touch: bool,
}

/// So many bytes, and so much of the heap, may be free in runs of others.
const OTHERS: usize = 256 << 10;
const OTHERS_FRACTION: usize = 16;

/// So many pages become runs at a time, at most.
const TOGETHER: usize = 32;

/// Makes pages runs: in a large heap several, which lie side by side for the most part, and so do their marks; but no more than
/// may be [empty](EMPTY_FRACTION). Whether there is one now.
#[cold]
fn add_runs(runs: &mut Runs, heap: &mut Heap<Memory, Index>, may_touch: bool) -> bool {
    if heap.bytes_in_use() + SLACK > runs.refused_at() {
        return false;
    }
    let count = (heap.footprint() / EMPTY_FRACTION / PAGE).clamp(1, TOGETHER);
    let mut pages = [None; TOGETHER];
    for place in pages.iter_mut().take(count) {
        *place = heap.allocate_page(may_touch);
        if place.is_none() {
            break;
        }
    }
    let mut any = false;
    // That which comes last is used first.
    for page in pages.into_iter().rev().flatten() {
        // SAFETY: the page was allocated just now.
        if unsafe { runs.add(page) } {
            any = true;
        } else {
            give_back_page(heap, page);
        }
    }
    runs.set_refused_at(if any || !may_touch { usize::MAX } else { heap.bytes_in_use() });
    any
}

/// When a page was refused, none is asked for until so many bytes fewer are in use.
const SLACK: usize = 16 * PAGE;

/// Runs without a block that come to more than this fraction of the heap are given up before that gets more memory.
const EMPTY_FRACTION: usize = 128;

fn give_back_page(heap: &mut Heap<Memory, Index>, page: NonNull<u8>) {
    // SAFETY: the page was allocated, and nobody uses it any more.
    if unsafe { heap.deallocate(page) }.is_err() {
        // Somebody has written over its header, or one next to it.
        report::broken_in_heap(page.addr().get() - HEADER, Part::Header);
    }
}

/// So many runs are given up together, when the heap needs memory.
const AT_ONCE: usize = 64;

impl State {
    /// Gives the heap the pages of some runs none of whose blocks is out, if there are too many: before it touches memory that was
    /// never used. Returns whether it got any. (It does not trim what it is about to use.)
    #[cold]
    pub(crate) fn give_up_some_runs(&mut self) -> bool {
        if self.runs.empty_bytes() <= self.heap.footprint() / EMPTY_FRACTION {
            return false;
        }
        let limit = self.heap.trim_limit();
        self.heap.set_trim_limit(usize::MAX);
        for _ in 0..AT_ONCE {
            let Some(page) = self.runs.take_empty() else { break };
            give_back_page(&mut self.heap, page);
        }
        self.heap.set_trim_limit(limit);
        true
    }

    /// Gives the heap the pages of runs none of whose blocks is out.
    pub(crate) fn give_up_runs(&mut self) {
        while let Some(page) = self.runs.take_empty() {
            give_back_page(&mut self.heap, page);
        }
    }

    /// Whether `payload` lies in a run: then there is nothing with a header.
    pub(crate) fn is_in_run(payload: NonNull<u8>) -> bool {
        MARKS.run_class(payload.addr().get()) != 0
    }

    /// Frees a block of a run, under the lock. Of a sized free the size is checked.
    ///
    /// # Safety
    /// - If `payload` is a live block, nobody uses it any more.
    pub(crate) unsafe fn free_small(
        &mut self,
        payload: NonNull<u8>,
        size: Option<usize>,
    ) -> Result<(), BadPointer> {
        let live = self.small_block(payload)?;
        if size.is_some_and(|size| !live.serves(size)) {
            return Err(BadPointer::WrongSize);
        }
        let class = live.class().and_then(Class::run).unwrap_or_default();
        // SAFETY: it is live, and the caller vouches for it.
        unsafe { self.runs.take_back(class, iter::once(payload)) };
        self.change_live(0, live.usable_size());
        self.note_fall();
        Ok(())
    }

    /// The live block in a run whose payload starts at `payload`.
    pub(crate) fn small_block(&self, payload: NonNull<u8>) -> Result<Live, BadPointer> {
        live(payload).ok_or_else(|| self.diagnose_small(payload.addr().get()))
    }

    /// What is wrong with freeing `address`, which lies in a run.
    #[cold]
    fn diagnose_small(&self, address: usize) -> BadPointer {
        let is_aligned = address.is_multiple_of(GRANULE);
        match self.small_around(address) {
            Some((block, ..)) if block == address => BadPointer::DoubleFree,
            Some((payload, usable_size, mark)) if is_aligned || !mark.is_in_run() => {
                BadPointer::Interior { payload, offset: address - payload, usable_size }
            }
            None if is_aligned => BadPointer::Foreign,
            _ => BadPointer::Misaligned,
        }
    }

    /// The block in a run that `address` lies in: where it starts, its bytes, and its mark.
    fn small_around(&self, address: usize) -> Option<(usize, usize, Mark)> {
        let (block, mark) = self.runs.block_around(address)?;
        Some((block, snugfit_run::size_of_class(mark.class()), mark))
    }

    /// What is known of the block in a run that `address` lies in.
    #[cold]
    pub(crate) fn small_block_near(&self, address: usize) -> Option<FoundBlock> {
        let (start, usable_size, mark) = self.small_around(address)?;
        Some(FoundBlock { start, usable_size, state: state_of(mark) })
    }

    /// The pages of all runs. O(blocks of the heap).
    pub(crate) fn run_pages(&self) -> impl Iterator<Item = usize> + '_ {
        let starts = self.heap.blocks().map(|block| block.payload.addr().get());
        starts.filter(|start| start.is_multiple_of(PAGE) && MARKS.run_class(*start) != 0)
    }

    /// The blocks of all runs: where each is, and its mark.
    pub(crate) fn small_blocks(&self) -> impl Iterator<Item = (usize, Mark)> + '_ {
        self.run_pages().flat_map(|page| self.runs.blocks(page))
    }
}

/// Runs in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SmallStats {
    pub(crate) runs: usize,
    pub(crate) blocks_in_use: usize,
    pub(crate) bytes_in_use: usize,
    pub(crate) bytes_cached: usize,
}

impl State {
    /// Runs in numbers. O(blocks).
    pub(crate) fn small_stats(&self) -> SmallStats {
        let mut stats = SmallStats { runs: self.runs.count(), ..SmallStats::default() };
        for (_, mark) in self.small_blocks() {
            let size = snugfit_run::size_of_class(mark.class());
            match state_of(mark) {
                BlockState::Live => {
                    stats.blocks_in_use += 1;
                    stats.bytes_in_use += size;
                }
                BlockState::Cached => stats.bytes_cached += size,
                BlockState::Free => {}
            }
        }
        stats
    }
}

/// What a mark says, in the words of headers.
pub(crate) fn state_of(mark: Mark) -> BlockState {
    if mark.is_in_run() {
        BlockState::Free
    } else if mark.is_cached() {
        BlockState::Cached
    } else {
        BlockState::Live
    }
}

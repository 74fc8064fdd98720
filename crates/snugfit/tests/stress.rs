//! Random calls of all kinds against a shadow of what is live: no two blocks overlap, each is as aligned and as large as
//! asked for, keeps its contents, and the allocator's counts are right.

mod common;

use std::alloc::{GlobalAlloc, Layout};
use std::collections::BTreeMap;

use common::child::run_in_children;
use common::{EACH_CALL_VALIDATES, IS_LIST, KIB, MIB, assert_valid, check, fill, free, resize, try_free};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use snugfit::{
    BadPointer, Snugfit, count_calls, mem_alloc, mem_alloc_aligned, mem_alloc_clear, stats, trim,
    try_mem_free_sized, try_usable_size, usable_size,
};

fn main() {
    run_in_children(&[
        ("small_blocks", || Stress::run(1, STEPS, 300, |rng| rng.random_range(0..300))),
        ("medium_blocks", || Stress::run(2, STEPS, 300, |rng| rng.random_range(0..30 * KIB))),
        ("blocks_around_the_threshold", || Stress::run(3, STEPS / 8, 100, around_the_threshold)),
        ("large_blocks", || Stress::run(4, STEPS / 100, 20, |rng| rng.random_range(0..50 * MIB))),
        ("blocks_of_any_magnitude", || Stress::run(5, STEPS / 8, 100, of_any_magnitude)),
        ("many_blocks", || Stress::run(6, STEPS, 3000, |rng| rng.random_range(0..2000))),
    ]);
}

fn around_the_threshold(rng: &mut SmallRng) -> usize {
    rng.random_range(50 * KIB..400 * KIB)
}

fn of_any_magnitude(rng: &mut SmallRng) -> usize {
    let power = if rng.random_ratio(1, 10) { rng.random_range(0..25) } else { rng.random_range(0..12) };
    rng.random_range(0..=1 << power)
}

/// Steps of one run.
const STEPS: usize = match (EACH_CALL_VALIDATES, IS_LIST) {
    (true, _) => 3_000,
    (false, true) => 30_000,
    (false, false) => 200_000,
};

/// How much of a block is filled, and compared.
const FILLED: usize = 16 * KIB;

#[derive(Clone, Copy)]
struct Block {
    payload: *mut u8,
    size: usize,
    align: usize,
}

struct Stress {
    rng: SmallRng,
    size: fn(&mut SmallRng) -> usize,
    live: Vec<Block>,
    /// Where each live block starts and ends, by its usable size.
    ranges: BTreeMap<usize, usize>,
    /// The usable bytes of all of them.
    usable: usize,
    most: usize,
}

impl Stress {
    /// With about `count` live blocks at a time.
    fn run(seed: u64, steps: usize, count: usize, size: fn(&mut SmallRng) -> usize) {
        count_calls();
        let rng = SmallRng::seed_from_u64(common::seed(seed));
        let mut stress = Self { rng, size, live: Vec::new(), ranges: BTreeMap::new(), usable: 0, most: 0 };
        for step in 0..steps {
            // Goes up and down, to half as many and half as many again.
            let wanted = if (step * 10 / steps).is_multiple_of(2) { count * 3 / 2 } else { count / 2 };
            stress.step(wanted);
            if step.is_multiple_of(steps / 50) {
                stress.validate();
            }
        }
        while !stress.live.is_empty() {
            stress.free();
        }
        stress.validate();
    }

    fn step(&mut self, wanted: usize) {
        let more = self.live.len() < wanted;
        match self.rng.random_range(0..100) {
            0..40 if more => self.allocate(),
            0..20 => self.allocate(),
            20..60 => self.free(),
            60..85 => self.resize(),
            85..99 => self.misuse(),
            _ => _ = trim(self.rng.random_range(0..MIB)),
        }
    }

    fn allocate(&mut self) {
        let size = (self.size)(&mut self.rng);
        let align = 1 << self.rng.random_range(0..14);
        let (payload, align) = match self.rng.random_range(0..6) {
            0 => (mem_alloc_clear(1, size), 16),
            1 => (mem_alloc_aligned(align, size), align),
            2 => (self.alloc_zeroed(size, align), align),
            _ => (mem_alloc(size), 16),
        };
        assert!(!payload.is_null(), "{size} bytes at {align}");
        self.enter(Block { payload, size, align });
    }

    fn alloc_zeroed(&mut self, size: usize, align: usize) -> *mut u8 {
        let layout = Layout::from_size_align(size, align).expect("a power of two");
        // SAFETY: Snugfit allows a size of 0 too.
        let payload = unsafe { Snugfit.alloc_zeroed(layout) };
        let filled = common::bytes(payload, size.min(FILLED));
        assert!(filled.iter().all(|&byte| byte == 0), "{size} bytes at {payload:?} are not zero");
        payload
    }

    /// Takes a block over: it must be aligned, and apart from all others.
    fn enter(&mut self, block: Block) {
        let Block { payload, size, align } = block;
        let (start, usable) = (payload.addr(), usable_size(payload));
        assert!(usable >= size, "{usable} usable bytes for {size}");
        assert!(start.is_multiple_of(align.max(16)), "{payload:?} is not aligned to {align}");
        let before = self.ranges.range(..start).next_back();
        assert!(before.is_none_or(|(_, &end)| end <= start), "{payload:?} overlaps the block before it");
        let after = self.ranges.range(start..).next();
        assert!(
            after.is_none_or(|(&after, _)| start + usable <= after),
            "{payload:?} overlaps the block after it"
        );
        self.ranges.insert(start, start + usable);
        self.usable += usable;
        self.most = self.most.max(self.usable);
        fill(payload, size.min(FILLED), start);
        self.live.push(block);
    }

    /// Forgets a block, whose contents must be what they were.
    fn take(&mut self) -> Option<Block> {
        let which = self.rng.random_range(0..self.live.len().max(1));
        let block = *self.live.get(which)?;
        self.live.swap_remove(which);
        check(block.payload, block.size.min(FILLED), block.payload.addr());
        let start = block.payload.addr();
        let end = self.ranges.remove(&start).expect("it is live");
        self.usable -= end - start;
        Some(block)
    }

    fn free(&mut self) {
        let Some(Block { payload, size, align }) = self.take() else { return };
        let layout = Layout::from_size_align(size, align).expect("a power of two");
        match self.rng.random_range(0..4) {
            0 => free(payload),
            // SAFETY: the block is live, and that is its size.
            1 => assert_eq!(unsafe { try_mem_free_sized(payload, size) }, Ok(())),
            // SAFETY: as above.
            2 => unsafe { Snugfit.dealloc(payload, layout) },
            _ => assert!(resize(payload, 0).is_null()),
        }
        assert!(try_free(payload).is_err(), "{payload:?} was freed twice");
    }

    fn resize(&mut self) {
        let size = (self.size)(&mut self.rng).max(1);
        let Some(block) = self.take() else { return };
        let layout = Layout::from_size_align(block.size, block.align).expect("a power of two");
        let (payload, align) = if self.rng.random() {
            (resize(block.payload, size), 16)
        } else {
            // SAFETY: the block is live, and has that layout.
            (unsafe { Snugfit.realloc(block.payload, layout, size) }, block.align)
        };
        assert!(!payload.is_null(), "{} bytes resized to {size}", block.size);
        check(payload, block.size.min(size).min(FILLED), block.payload.addr());
        self.enter(Block { payload, size, align });
    }

    /// A pointer that is no block, near one that is.
    fn misuse(&mut self) {
        let which = self.rng.random_range(0..self.live.len().max(1));
        let Some(&Block { payload, size, .. }) = self.live.get(which) else { return };
        let offset = self.rng.random_range(1..=size.max(1));
        let wrong = payload.wrapping_add(offset);
        if offset < size {
            let usable_size = usable_size(payload);
            let inside = Err(BadPointer::Interior { payload: payload.addr(), offset, usable_size });
            assert_eq!(try_free(wrong), inside);
        }
        // Where there is no header between them, its end may be where the next one starts.
        if !self.ranges.contains_key(&wrong.addr()) {
            assert!(try_free(wrong).is_err() && try_usable_size(wrong).is_err(), "{wrong:?}");
        }
        let above = usable_size(payload) + 1;
        // SAFETY: the size is too large, so nothing is freed.
        assert_eq!(unsafe { try_mem_free_sized(payload, above) }, Err(BadPointer::WrongSize));
    }

    fn validate(&self) {
        assert_valid();
        let stats = stats();
        assert_eq!(stats.heap_blocks + stats.direct_blocks, self.live.len());
        assert_eq!((stats.counts.live, stats.counts.peak_live), (self.usable, self.most));
        assert!(stats.footprint <= stats.peak_footprint);
        assert!(stats.footprint >= stats.heap_bytes + stats.direct_bytes);
        assert!(stats.heap_bytes + stats.direct_bytes >= self.usable);
    }
}

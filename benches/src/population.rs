//! An index full of free blocks, without the heap around it.

use std::collections::HashSet;
use std::hint::black_box;

use snugfit_index::FreeIndex;
use snugfit_tag::{Block, GRANULE, HEADER, MAX_BLOCK, MIN_BLOCK, Seal, Tag};

use crate::Random;
use crate::huge::HugeMemory;

/// The bytes from one stub to the next: a cache line.
const SPACING: usize = 64;

/// Any will do.
const SEED: u64 = 1;

/// An index that holds `count` blocks of as many distinct sizes: random multiples of 16, up to the largest there is.
///
/// The blocks are *stubs*: a tag that claims the size, and the words that an index may use. An index touches nothing
/// else, so a million blocks of 2 GiB on average fit into 64 MB.
///
/// ```text
///   one cache line                                             the next one
///  ┬───────┬───────────┬──────────────────────────────────────┬───────┬───────────┬────
///  │       │ tag  seal │ the index's: up to six words         │       │ tag  seal │
///  ┴───────┴───────────┴──────────────────────────────────────┴───────┴───────────┴────
///          ▲ 8 mod 64
/// ```
///
/// Sizes come in random order, and so do addresses: neither the order of the sizes nor that of the insertions says
/// where a block lies.
#[derive(Debug)]
pub struct Population<I> {
    index: I,
    largest: usize,
    /// What the blocks in the index lie in.
    _memory: HugeMemory,
}

impl<I: FreeIndex> Population<I> {
    /// An index with `count` blocks, the same in every run.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let mut random = Random::new(SEED);
        let sizes = distinct_sizes(count, &mut random);
        let mut places: Vec<usize> = (0..count).collect();
        random.shuffle(&mut places);
        let memory = HugeMemory::new(count * SPACING);
        let mut index = I::EMPTY;
        for (&size, place) in sizes.iter().zip(places) {
            // SAFETY: every place is used once.
            let block = unsafe { stub(&memory, place, size) };
            // SAFETY: the block is nobody else's, and its tag states its size. The index uses no more than six
            // words, which the stub has.
            unsafe { index.insert(block, size) };
        }
        let largest = sizes.into_iter().max().unwrap_or(0);
        Self { index, largest, _memory: memory }
    }

    /// The size of the largest block: no request beyond it can be served.
    #[must_use]
    pub const fn largest(&self) -> usize {
        self.largest
    }

    /// One round: finds the best fit for `size`, takes it, and puts it back. The population stays the same.
    ///
    /// # Panics
    /// If `size` exceeds the largest block.
    #[inline]
    pub fn round(&mut self, size: usize) {
        let found = black_box(self.index.find(size));
        let (block, taken) = self.index.take(size).expect("a size up to the largest");
        debug_assert_eq!(found, Some(block));
        // SAFETY: the block was taken this moment, and its tag was not touched.
        unsafe { self.index.insert(block, taken) };
    }
}

/// Makes a stub at `place` that claims `size` bytes.
///
/// # Safety
/// - The memory has room for that many places, and nothing else is in this one.
unsafe fn stub(memory: &HugeMemory, place: usize, size: usize) -> Block {
    // SAFETY: the caller vouches for the place. The memory starts at a multiple of 64, so the header is at 8 mod 16.
    let block = unsafe { Block::from_header(memory.start().byte_add(place * SPACING + HEADER)) };
    block.set_tag(Tag::free(size));
    block.set_seal(Seal::FREE);
    block
}

/// As many different sizes that a block can have, in random order.
fn distinct_sizes(count: usize, random: &mut Random) -> Vec<usize> {
    const SMALLEST: usize = MIN_BLOCK / GRANULE;
    const CHOICES: usize = MAX_BLOCK / GRANULE - SMALLEST + 1;
    let mut seen = HashSet::with_capacity(count);
    let drawn = std::iter::repeat_with(|| (SMALLEST + random.below(CHOICES)) * GRANULE);
    drawn.filter(|&size| seen.insert(size)).take(count).collect()
}

//! The work: a random program that is careful with its blocks.

use std::ops::Range;

use rand::rngs::SmallRng;
use rand::{Rng, RngExt};
use snugfit::{mem_alloc_aligned, mem_alloc_clear};

use crate::common::{KIB, allocate, free, resize};
use crate::damage::{Damage, overwrite};
use crate::shadow::{MOST, Shadow};

pub(crate) struct Work {
    rng: SmallRng,
    shadow: Shadow,
    /// Where blocks of the heap were.
    payloads: Vec<usize>,
    /// From the page of the lowest block to the end of the highest.
    heap: Range<usize>,
    /// The largest size that is asked for often.
    usual: usize,
}

/// So many places are remembered.
const PLACES: usize = 4096;
/// Blocks from this size on may be mappings of their own, which lie elsewhere.
const LARGE: usize = 128 * KIB;

impl Work {
    pub(crate) fn new(mut rng: SmallRng) -> Self {
        let usual = [64, 300, 1100, 4 * KIB, 40 * KIB][rng.random_range(0..5)];
        let payloads = Vec::with_capacity(PLACES);
        Self { rng, shadow: Shadow::new(), payloads, heap: 0..0, usual }
    }

    /// Works, damages the heap, says so, and works on; then frees all that is left.
    pub(crate) fn go(mut self, mut say: impl FnMut(&str)) {
        for _ in 0..self.rng.random_range(50..2000) {
            self.step();
        }
        if self.payloads.is_empty() {
            return;
        }
        if let Some(damage) = overwrite(&mut self.rng, &self.heap, &self.payloads) {
            let Damage { address, len, old, new } = damage;
            self.shadow.hole = address..address + 8;
            say(&format!("{len} bytes of the word at {address:#x}: {old:#x} became {new:#x}\n"));
            if self.rng.random_ratio(1, 4) {
                // Whatever it finds, it comes to an end.
                say(&format!("{:?}\n", snugfit::check()));
            }
        }
        for _ in 0..self.rng.random_range(50..2000) {
            self.step();
        }
        while !self.shadow.blocks().is_empty() {
            self.free();
        }
    }

    fn step(&mut self) {
        let live = self.shadow.blocks().len();
        // Now and then much is freed, so that blocks are joined, and go back to the heap and to the system.
        if self.rng.random_ratio(1, 200) {
            for _ in 0..self.rng.random_range(0..=live) {
                self.free();
            }
        } else if live == MOST || live > 0 && self.rng.random_ratio(2, 5) {
            self.free();
        } else if live > 0 && self.rng.random_ratio(1, 8) {
            self.resize();
        } else {
            self.allocate();
        }
    }

    fn size(&mut self) -> usize {
        match self.rng.random_range(0..40) {
            0 => self.rng.random_range(0..200 * KIB),
            1..4 => self.rng.random_range(0..20 * KIB),
            4..12 => 32 * self.rng.random_range(0..6),
            _ => self.rng.random_range(0..self.usual),
        }
    }

    fn allocate(&mut self) {
        let size = self.size();
        let block = match self.rng.random_range(0..12) {
            0 => mem_alloc_aligned(1 << self.rng.random_range(5..13), size),
            1..3 => {
                let block = mem_alloc_clear(1, size);
                self.shadow.check_zeros(block, if block.is_null() { 0 } else { size });
                block
            }
            _ => allocate(size),
        };
        assert!(!block.is_null(), "{size} bytes are to be had");
        self.add(block, size);
    }

    fn add(&mut self, block: *mut u8, size: usize) {
        let key = self.rng.next_u64();
        self.shadow.add(block, size, key);
        if size < LARGE {
            let start = block.expose_provenance();
            let place = self.rng.random_range(0..PLACES);
            match self.payloads.get_mut(place) {
                Some(place) => *place = start,
                None => self.payloads.push(start),
            }
            let range = start & !4095..start + size;
            let is_first = self.heap.is_empty();
            self.heap.start = if is_first { range.start } else { self.heap.start.min(range.start) };
            self.heap.end = self.heap.end.max(range.end);
        }
    }

    fn any(&mut self) -> usize {
        self.rng.random_range(0..self.shadow.blocks().len())
    }

    fn free(&mut self) {
        let number = self.any();
        let block = self.shadow.remove(number);
        free(block.start);
    }

    fn resize(&mut self) {
        let (number, size) = (self.any(), self.size().max(1));
        let old = self.shadow.remove(number);
        let block = resize(old.start, size);
        assert!(!block.is_null(), "{size} bytes are to be had");
        self.shadow.check(&old, block, old.len.min(size));
        self.add(block, size);
    }
}

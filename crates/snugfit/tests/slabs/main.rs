//! Small blocks: they lie in slabs, without headers.

#[path = "../common/mod.rs"]
mod common;
mod life;
mod modes;
mod threads;
mod wrong;

use std::ops::RangeInclusive;
use std::ptr::with_exposed_provenance_mut;

use common::child::run_in_children;
use common::{allocate, check, fill, free};
use snugfit_slab::{Class, LARGEST};

type Test = (&'static str, fn());

fn main() {
    run_in_children(&[life::TESTS, wrong::TESTS, threads::TESTS, modes::TESTS].concat());
}

/// All sizes that small blocks have.
const SIZES: RangeInclusive<usize> = 0..=LARGEST;

/// The usable bytes of a small block for `size` bytes; of a larger one, what was asked for.
fn usable(size: usize) -> usize {
    Class::of_request(size).map_or(size, Class::size)
}

/// A block that goes from one thread to another, filled with what its address says.
#[derive(Clone, Copy)]
struct Block {
    address: usize,
    size: usize,
}

impl Block {
    fn new(size: usize) -> Self {
        Self::filled(allocate(size), size)
    }

    fn filled(payload: *mut u8, size: usize) -> Self {
        fill(payload, size, payload.addr());
        Self { address: payload.expose_provenance(), size }
    }

    fn payload(self) -> *mut u8 {
        with_exposed_provenance_mut(self.address)
    }

    fn check(self) -> *mut u8 {
        check(self.payload(), self.size, self.address);
        self.payload()
    }

    fn free(self) {
        free(self.check());
    }
}

/// So many, of all sizes.
fn blocks(count: usize) -> Vec<Block> {
    (0..count).map(|at| Block::new(at * 37 % (LARGEST + 1))).collect()
}

fn free_all(blocks: impl IntoIterator<Item = Block>) {
    blocks.into_iter().for_each(Block::free);
}

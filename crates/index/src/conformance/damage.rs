//! A link overwritten in a block that the index holds, and what it does then.

use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::vec::Vec;

use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use snugfit_tag::{GRANULE, MIN_BLOCK};

use super::reason;
use super::stubs::Stubs;
use crate::FreeIndex;

const STUBS: usize = 40;
const SEEDS: u64 = if cfg!(miri) { 10 } else { 1000 };

/// Overwrites one link of an index that guards its links, and goes on using it: either it says so, in a panic with the words
/// of [`Part::Link`](crate::Part::Link) or its like, or it gives out what it holds and nothing else, and writes nowhere else.
///
/// What is written are addresses of other blocks, or what cannot be an address: where memory is, [`Plausible`] does not know.
///
/// [`Plausible`]: crate::Plausible
///
/// # Panics
/// If the index believes the link.
pub fn check_damage<I: FreeIndex>() {
    let noticed = (0..SEEDS).filter(|&seed| notices::<I>(seed)).count();
    assert!(noticed as u64 > SEEDS / 10, "of {SEEDS} overwritten links {noticed} were noticed");
}

fn notices<I: FreeIndex>(seed: u64) -> bool {
    let mut run = Run::<I>::new(seed);
    let outcome = catch_unwind(AssertUnwindSafe(|| run.go()));
    let said = outcome.err().map(|panic| reason(&*panic));
    match said {
        None => false,
        Some(said) if said.contains("overwritten: in the free block") => true,
        Some(said) => panic!("{said}\n  seed {seed}, after a link was overwritten"),
    }
}

struct Run<I> {
    rng: SmallRng,
    stubs: Stubs,
    held: Vec<(usize, usize)>,
    spare: Vec<usize>,
    index: Box<I>,
}

impl<I: FreeIndex> Run<I> {
    fn new(seed: u64) -> Self {
        let stubs = Stubs::new(STUBS, 8 * GRANULE);
        let index = Box::new(I::EMPTY);
        let rng = SmallRng::seed_from_u64(seed);
        Self { rng, stubs, held: Vec::new(), spare: (0..STUBS).collect(), index }
    }

    fn go(&mut self) {
        for _ in 0..self.rng.random_range(2..STUBS) {
            self.insert();
        }
        let (damaged, size) = self.held[self.rng.random_range(0..self.held.len())];
        let links = if size == MIN_BLOCK { 2 } else { ((size - MIN_BLOCK) / 8 + 2).min(5) };
        let other = self.rng.random_range(0..STUBS);
        let value = match self.rng.random_range(0..5) {
            0 => 0,
            1 => self.rng.next_u64() | 1 << 63,
            2 => self.stubs.block(other).address() as u64 + 1,
            _ => self.stubs.block(other).address() as u64,
        };
        self.stubs.overwrite(damaged, self.rng.random_range(0..links), value);
        for _ in 0..200 {
            match self.rng.random_range(0..3) {
                0 => self.insert(),
                1 => self.remove(),
                _ => self.take(),
            }
            self.stubs.verify();
        }
    }

    fn insert(&mut self) {
        let Some(stub) = self.spare.pop() else { return };
        let size = match self.rng.random_range(0..3) {
            0 => MIN_BLOCK,
            1 => GRANULE * self.rng.random_range(2..12),
            _ => 8192 + GRANULE * self.rng.random_range(0..60),
        };
        let block = self.stubs.block(stub);
        // SAFETY: the stub is not in the index, and claims that size from now on.
        unsafe { self.index.insert(block, size) };
        self.stubs.hold(stub, size);
        self.held.push((stub, size));
    }

    fn remove(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let (stub, size) = self.held.swap_remove(self.rng.random_range(0..self.held.len()));
        // SAFETY: the stub was inserted with this size and not removed since.
        unsafe { self.index.remove(self.stubs.block(stub), size) };
        self.release(stub);
    }

    fn take(&mut self) {
        let size = [0, 100, 8192, 8800][self.rng.random_range(0..4)];
        let Some((block, found)) = self.index.take(size) else { return };
        // As its caller does, who sees the header.
        if !self.stubs.holds(block) || block.size() != found {
            panic!("header overwritten: in the free block, says the caller");
        }
        let stub = self.stubs.number(block);
        self.held.retain(|&(held, _)| held != stub);
        self.release(stub);
    }

    fn release(&mut self, stub: usize) {
        self.stubs.release(stub);
        self.spare.push(stub);
    }
}

//! A server: blocks of random size are replaced in random order, and are inherited by thread after thread.
//!
//! After P.-Å. Larson and M. Krishnan, "Memory allocation for long-running server applications", ISMM 1998: each thread
//! has slots full of blocks; it replaces the block of a random slot by one of a random size, again and again; then it ends
//! and hands its slots to a fresh thread. So most blocks are freed by another thread than the one that allocated them, and
//! what an allocator keeps for a thread that has ended is lost unless it takes care of it.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, Scope};

use rand::RngExt;
use rand::rngs::SmallRng;

use super::{Plan, Workload, random};
use crate::allocator::{Block, Served, block};

/// Blocks that a thread holds.
const SLOTS: usize = 5_000;
/// Threads that follow one another on the same slots.
const GENERATIONS: usize = 25;
/// Blocks that one of them replaces, in full measure.
const REPLACEMENTS: usize = 250_000;
/// The sizes of the paper.
const SIZES: std::ops::RangeInclusive<usize> = 8..=1000;

type Slots<S> = Vec<Option<Block<S>>>;

pub(crate) struct Larson<S: Served> {
    replacements: usize,
    chains: Vec<Chain<S>>,
}

/// What is handed from thread to thread.
struct Chain<S: Served> {
    slots: Slots<S>,
    random: SmallRng,
    generations_left: usize,
}

impl<S: Served> Workload for Larson<S> {
    fn prepare(plan: Plan) -> Self {
        let chain = |thread| Chain {
            slots: std::iter::repeat_with(|| None).take(SLOTS).collect(),
            random: random(thread),
            generations_left: GENERATIONS,
        };
        Self { replacements: plan.times(REPLACEMENTS), chains: (0..plan.threads).map(chain).collect() }
    }

    fn run(self) -> u64 {
        let operations = AtomicU64::new(0);
        thread::scope(|scope| {
            for mut chain in self.chains {
                let (operations, replacements) = (&operations, self.replacements);
                scope.spawn(move || {
                    chain.fill();
                    operations.fetch_add(SLOTS as u64, Relaxed);
                    serve(scope, chain, replacements, operations);
                });
            }
        });
        operations.into_inner()
    }
}

impl<S: Served> Chain<S> {
    fn fill(&mut self) {
        for slot in &mut self.slots {
            *slot = Some(block(self.random.random_range(SIZES)));
        }
    }

    fn replace(&mut self) {
        let slot = &mut self.slots[self.random.random_range(0..SLOTS)];
        // Freed first: a server answers one request before it takes the next.
        *slot = None;
        *slot = Some(block(self.random.random_range(SIZES)));
    }
}

/// The life of one thread.
fn serve<'s, S: Served>(
    scope: &'s Scope<'s, '_>,
    mut chain: Chain<S>,
    replacements: usize,
    operations: &'s AtomicU64,
) {
    for _ in 0..replacements {
        chain.replace();
    }
    operations.fetch_add(replacements as u64, Relaxed);
    chain.generations_left -= 1;
    if chain.generations_left > 0 {
        scope.spawn(move || serve(scope, chain, replacements, operations));
    }
}

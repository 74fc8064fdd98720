//! Blocks of all sizes and lifetimes, some of them passed from thread to thread.
//!
//! Ours, in the manner of the stress tests that allocators come with. Sizes spread over powers of two, small ones by far
//! the most frequent, the largest 128 KiB. Half of the blocks die young, the others are as old as chance will have it.
//! Every sixteenth goes into a table shared by all threads, in exchange for what somebody left there.

use std::sync::{Mutex, PoisonError};

use rand::RngExt;
use rand::rngs::SmallRng;

use super::threads::side_by_side;
use super::{Plan, Workload, random};
use crate::allocator::{Block, Served, block};

/// Blocks that a thread allocates, in full measure.
const BLOCKS: usize = 5_000_000;
/// Blocks that a thread holds; of those in the first few slots most die young.
const SLOTS: usize = 8_192;
const YOUNG: usize = 64;
/// Blocks in the table that all threads share.
const SHARED: usize = 1_024;
/// One block in so many is exchanged there.
const EXCHANGE: u32 = 16;

type Slot<S> = Option<Block<S>>;

pub(crate) struct Stress<S: Served> {
    blocks: usize,
    shared: Vec<Mutex<Slot<S>>>,
    workers: Vec<Worker<S>>,
}

struct Worker<S: Served> {
    slots: Vec<Slot<S>>,
    random: SmallRng,
}

impl<S: Served> Workload for Stress<S> {
    fn prepare(plan: Plan) -> Self {
        let slots = || std::iter::repeat_with(|| None).take(SLOTS).collect();
        let worker = |thread| Worker { slots: slots(), random: random(thread) };
        Self {
            blocks: plan.times(BLOCKS),
            shared: std::iter::repeat_with(|| Mutex::new(None)).take(SHARED).collect(),
            workers: (0..plan.threads).map(worker).collect(),
        }
    }

    fn run(self) -> u64 {
        let (blocks, shared) = (self.blocks, &self.shared[..]);
        side_by_side(self.workers.into_iter().map(|worker| move || worker.work(blocks, shared)).collect())
    }
}

impl<S: Served> Worker<S> {
    fn work(mut self, blocks: usize, shared: &[Mutex<Slot<S>>]) -> u64 {
        for _ in 0..blocks {
            let mut new = Some(block(self.size()));
            if self.random.random_ratio(1, EXCHANGE) {
                let place = &shared[self.random.random_range(0..SHARED)];
                std::mem::swap(&mut new, &mut place.lock().unwrap_or_else(PoisonError::into_inner));
            }
            let among = if self.random.random_ratio(1, 2) { YOUNG } else { SLOTS };
            self.slots[self.random.random_range(0..among)] = new;
        }
        blocks as u64
    }

    /// 16 bytes to 128 KiB: each doubling is little more than half as frequent as the one before.
    fn size(&mut self) -> usize {
        let mut limit = 32;
        while limit < 128 << 10 && self.random.random_ratio(9, 16) {
            limit *= 2;
        }
        self.random.random_range(limit / 2..=limit)
    }
}

//! Whether threads that write to blocks of their own are slowed down by one another.
//!
//! After E. Berger, K. McKinley, R. Blumofe and P. Wilson, "Hoard: a scalable memory allocator for multithreaded
//! applications", ASPLOS 2000. An allocator causes false sharing *actively* if it gives pieces of one cache line to
//! several threads (their cache-thrash), and *passively* if a thread that frees a piece of a line used by others gets just
//! that piece back (their cache-scratch). Either way each write of one thread takes the line from another.

use std::marker::PhantomData;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

use allocator_api2::boxed::Box;

use super::threads::side_by_side;
use super::{Plan, Workload};
use crate::allocator::{Handle, Served};

/// Blocks that a thread allocates, in full measure.
const BLOCKS: usize = 1_500_000;
/// How often it writes to each byte of a block.
const WRITES: usize = 50;

/// A piece of a cache line. Atomic, so that each write is made.
type Piece = [AtomicU8; 8];

fn piece<S: Served>() -> Box<Piece, Handle<S>> {
    Box::new_in([const { AtomicU8::new(0) }; 8], Handle::new())
}

fn write(piece: &Piece) {
    // Nobody reads these bytes; this is so that they are written all the same.
    let piece = std::hint::black_box(piece);
    for _ in 0..WRITES {
        for byte in piece {
            byte.store(byte.load(Relaxed).wrapping_add(1), Relaxed);
        }
    }
}

/// Allocates a piece, writes to it and frees it, again and again.
fn work<S: Served>(blocks: usize) -> u64 {
    for _ in 0..blocks {
        write(&piece::<S>());
    }
    blocks as u64
}

/// Every thread allocates its pieces.
pub(crate) struct Active<S> {
    plan: Plan,
    allocator: PhantomData<S>,
}

impl<S: Served> Workload for Active<S> {
    fn prepare(plan: Plan) -> Self {
        Self { plan, allocator: PhantomData }
    }

    fn run(self) -> u64 {
        let blocks = self.plan.times(BLOCKS);
        side_by_side((0..self.plan.threads).map(|_| move || work::<S>(blocks)).collect())
    }
}

/// Every thread starts with a piece that the main thread allocated next to those of the others.
pub(crate) struct Passive<S> {
    plan: Plan,
    allocator: PhantomData<S>,
}

impl<S: Served> Workload for Passive<S> {
    fn prepare(plan: Plan) -> Self {
        Self { plan, allocator: PhantomData }
    }

    fn run(self) -> u64 {
        let blocks = self.plan.times(BLOCKS);
        let worker = |first: Box<Piece, Handle<S>>| {
            move || {
                write(&first);
                drop(first);
                work::<S>(blocks) + 1
            }
        };
        let pieces: Vec<_> = (0..self.plan.threads).map(|_| piece::<S>()).collect();
        side_by_side(pieces.into_iter().map(worker).collect())
    }
}

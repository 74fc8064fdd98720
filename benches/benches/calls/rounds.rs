//! Allocate and free, over and over.

use std::hint::black_box;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use snugfit_trace::Target;

/// What malloc aligns to.
pub(crate) const PLAIN: usize = 16;

/// What a block is freed with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) size: usize,
    pub(crate) align: usize,
}

/// Allocates a block and frees it, `times` times over.
pub(crate) fn pairs<T: Target>(
    target: &mut T,
    times: u64,
    shape: Shape,
    allocate: impl Fn(&mut T) -> Option<NonNull<u8>>,
) -> Duration {
    let started = Instant::now();
    for _ in 0..times {
        let block = touched(allocate(target));
        // SAFETY: `allocate` is of this target, and gives blocks of this shape; nobody uses it.
        unsafe { target.free(block, shape.size, shape.align) };
    }
    started.elapsed()
}

/// Allocates as many blocks as `order` has numbers and frees them in that order, `times` times over. The numbers are those
/// from 0 on, each once.
pub(crate) fn batches<T: Target>(
    target: &mut T,
    times: u64,
    shape: Shape,
    order: &[usize],
    allocate: impl Fn(&mut T) -> Option<NonNull<u8>>,
) -> Duration {
    let mut blocks = vec![NonNull::dangling(); order.len()];
    let mut batch = || {
        blocks.fill_with(|| touched(allocate(target)));
        for &number in order {
            // SAFETY: as in `pairs`; each number comes once.
            unsafe { target.free(blocks[number], shape.size, shape.align) };
        }
    };
    // The first pass finds no page mapped.
    batch();
    let started = Instant::now();
    (0..times).for_each(|_| batch());
    started.elapsed()
}

#[inline]
fn touched(block: Option<NonNull<u8>>) -> NonNull<u8> {
    let block = black_box(block.expect("memory for a block"));
    // SAFETY: each block has a byte.
    unsafe { block.write(1) };
    block
}

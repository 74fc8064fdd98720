//! Pointers near a block of the heap, but not to it.

use crate::common::allocate;
use crate::{Case, Wrong, case, wrong};

pub(crate) const CASES: &[Case] = &[
    case("interior_1", || inside(1)),
    case("interior_8", || inside(8)),
    case("interior_15", || inside(15)),
    case("interior_16", || inside(16)),
    case("interior_96", || inside(96)),
    case("interior_last_byte", || inside(1111)),
    case("one_behind_the_end", || near(1112, "misaligned")),
    case("end_of_the_next_header", || near(1119, "misaligned")),
    case("before_1", || near(-1, "misaligned")),
    case("before_8", || near(-8, "misaligned")),
    case("before_16", before_16),
    case("first_block_before_1", || before_first(1, "misaligned")),
    case("first_block_before_8", || before_first(8, "misaligned")),
    case("first_block_before_16", || before_first(16, "not from this allocator")),
    case("start_of_the_heap", || before_first(32, "not from this allocator")),
    case("aligned_block_interior_16", aligned_inside),
    case("interior_of_a_block_that_took_the_place", took_the_place),
];

/// The block in the middle of three: 1112 bytes of payload, behind a block of 1048. They come from the heap, so they lie side by
/// side.
fn middle() -> (*mut u8, *mut u8) {
    let before = allocate(1040);
    let block = allocate(1100);
    allocate(1040);
    assert_eq!(block.addr(), before.addr() + 1056);
    (before, block)
}

fn near(offset: isize, words: &str) -> Wrong {
    wrong(middle().1.wrapping_offset(offset), words)
}

fn words(block: *mut u8, usable: usize, offset: usize) -> String {
    let plural = if offset == 1 { "" } else { "s" };
    format!("interior pointer: {offset} byte{plural} into the {usable}-byte block at {:#x}", block.addr())
}

fn inside(offset: usize) -> Wrong {
    let (_, block) = middle();
    wrong(block.wrapping_add(offset), &words(block, 1112, offset))
}

/// In the block before it.
fn before_16() -> Wrong {
    let (before, block) = middle();
    wrong(block.wrapping_sub(16), &words(before, 1048, 1040))
}

/// Where the heap begins, there is a record before the first block.
fn before_first(offset: usize, what: &str) -> Wrong {
    wrong(allocate(1100).wrapping_sub(offset), what)
}

fn aligned_inside() -> Wrong {
    let block = snugfit::mem_alloc_aligned(4096, 1000);
    wrong(block.wrapping_add(16), &words(block, 1000, 16))
}

/// The block is gone, and its place is in the middle of another one.
fn took_the_place() -> Wrong {
    let blocks = [(); 4].map(|()| allocate(1100));
    allocate(1040);
    for block in blocks {
        crate::common::free(block);
    }
    // What the thread keeps goes to the heap.
    snugfit::trim(0);
    let larger = allocate(4 * 1120 - 8);
    assert_eq!(larger, blocks[0]);
    crate::common::fill(larger, 4 * 1120 - 8, 0);
    wrong(blocks[2], &words(larger, 4 * 1120 - 8, 2240))
}

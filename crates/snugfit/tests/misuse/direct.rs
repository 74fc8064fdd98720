//! Pointers near a block that is a mapping of its own.

use crate::common::{MIB, allocate};
use crate::{Case, Wrong, case, wrong};

pub(crate) const CASES: &[Case] = &[
    case("direct_interior_1", || inside(plain(), 1)),
    case("direct_interior_8", || inside(plain(), 8)),
    case("direct_interior_16", || inside(plain(), 16)),
    case("direct_in_the_second_page", || inside(plain(), 4096 - 32)),
    case("direct_at_the_third_page", || inside(plain(), 8192 - 32)),
    case("direct_in_the_middle", || inside(plain(), MIB)),
    case("direct_last_byte", || inside(plain(), USABLE - 1)),
    case("direct_before_1", || near(plain(), 1, "misaligned")),
    case("direct_before_8", || near(plain(), 8, "misaligned")),
    case("direct_before_16", || near(plain(), 16, "not from this allocator")),
    case("direct_its_first_byte", || near(plain(), 32, "not from this allocator")),
    case("aligned_direct_interior_1", || inside(aligned(), 1)),
    case("aligned_direct_interior_7", || inside(aligned(), 7)),
    case("aligned_direct_interior_8", || inside(aligned(), 8)),
    case("aligned_direct_interior_16", || inside(aligned(), 16)),
    case("aligned_direct_in_the_middle", || inside(aligned(), MIB + 5)),
    case("aligned_direct_last_byte", || inside(aligned(), USABLE + 31)),
    case("aligned_direct_before_1", || near(aligned(), 1, "misaligned")),
    case("aligned_direct_before_8", || near(aligned(), 8, "misaligned")),
    case("aligned_direct_before_16", || near(aligned(), 16, "not from this allocator")),
    case("aligned_direct_its_first_byte", || near(aligned(), 4096, "not from this allocator")),
    case("direct_behind_a_small_one", behind_a_small_one),
];

/// Of a plain block of 2 MB: it lies 32 bytes behind the start of its pages.
const USABLE: usize = 2_000_000_usize.next_multiple_of(4096) - 32;

/// With another direct block, and some heap.
fn beside_others(block: *mut u8) -> *mut u8 {
    allocate(100);
    allocate(300_000);
    block
}

fn plain() -> *mut u8 {
    beside_others(allocate(USABLE))
}

fn aligned() -> *mut u8 {
    beside_others(snugfit::mem_alloc_aligned(2 * MIB, 2_000_000))
}

fn inside(block: *mut u8, offset: usize) -> Wrong {
    let usable = snugfit::usable_size(block);
    let plural = if offset == 1 { "" } else { "s" };
    let at = block.addr();
    wrong(
        block.wrapping_add(offset),
        &format!("interior pointer: {offset} byte{plural} into the {usable}-byte block at {at:#x}"),
    )
}

fn near(block: *mut u8, before: usize, words: &str) -> Wrong {
    wrong(block.wrapping_sub(before), words)
}

/// The largest is looked for, though the nearest below is small.
fn behind_a_small_one() -> Wrong {
    let blocks = [200_000, 40 * MIB, 200_000].map(allocate);
    inside(blocks[1], 39 * MIB + 7)
}

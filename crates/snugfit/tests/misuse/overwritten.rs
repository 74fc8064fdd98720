//! Blocks whose header was overwritten, or the footer of a free neighbour.

use crate::common::{MIB, allocate, free};
use crate::{CHANGES, Case, FREES, Wrong, case, wrong};

pub(crate) const CASES: &[Case] = &[
    case("underflow_by_1", || underflow(middle(), 1)),
    case("underflow_by_2", || underflow(middle(), 2)),
    case("underflow_by_4", || underflow(middle(), 4)),
    case("underflow_by_8", || underflow(middle(), 8)),
    case("underflow_by_16", || underflow(middle(), 16)),
    case("only_the_lowest_byte_before", || one_byte(middle(), 8)),
    case("only_the_lowest_byte_of_the_seal", || one_byte(middle(), 4)),
    case("only_the_highest_byte_of_the_seal", || one_byte(middle(), 1)),
    case("header_of_zeros", || header(middle(), 0)),
    case("header_of_ones", || header(middle(), u64::MAX)),
    case("header_of_text", || header(middle(), u64::from_le_bytes(*b"too long"))),
    case("header_of_an_epilogue", || header(middle(), 0xF4EE_5EA1_0000_0007)),
    case("header_of_a_damaged_epilogue", || header(middle(), 4)),
    case("header_of_another_block", header_of_another),
    case("overflow_of_a_zero", || overflow(1, 0)),
    case("overflow_by_1", || overflow(1, 0xEE)),
    case("overflow_by_4", || overflow(4, 0xEE)),
    case("overflow_by_8", || overflow(8, 0xEE)),
    case("overflow_by_100", || overflow(100, 0xEE)),
    case("direct_underflow_by_1", || underflow(allocate(MIB), 1)),
    case("direct_underflow_by_4", || underflow(allocate(MIB), 4)),
    case("direct_underflow_by_8", || underflow(allocate(MIB), 8)),
    case("direct_underflow_by_16", || underflow(allocate(MIB), 16)),
    case("direct_underflow_by_32", || underflow(allocate(MIB), 32)),
    case("direct_only_the_lowest_byte_before", || one_byte(allocate(MIB), 8)),
    case("direct_length_overwritten", || one_byte(allocate(MIB), 32)),
    case("direct_length_overwritten_seen_from_inside", direct_from_inside),
    case("direct_offset_overwritten", || one_byte(allocate(MIB), 24)),
    case("aligned_direct_underflow_by_8", || underflow(snugfit::mem_alloc_aligned(MIB, MIB), 8)),
    Case { name: "a_zero_behind_it", calls: CHANGES, wrong: || behind(false, 0, 1) },
    Case { name: "zeros_behind_it", calls: CHANGES, wrong: || behind(false, 0, 8) },
    Case { name: "a_zero_behind_it_before_a_free_block", calls: CHANGES, wrong: || behind(true, 0, 1) },
    Case { name: "text_behind_it_before_a_free_block", calls: CHANGES, wrong: || behind(true, 0x40, 4) },
    Case { name: "footer_overwritten", calls: FREES, wrong: || footer(8, 0x55) },
    Case { name: "footer_of_zeros", calls: FREES, wrong: || footer(8, 0) },
    Case { name: "lowest_byte_of_a_footer", calls: FREES, wrong: || footer(1, 0xE0) },
    Case { name: "footer_of_another_size", calls: FREES, wrong: || footer(1, 48) },
];

const OVERWRITTEN: &str = "header overwritten";

/// A block between two others.
fn middle() -> *mut u8 {
    let blocks = [(); 3].map(|()| allocate(100));
    blocks[1]
}

/// Changes `len` bytes, `before` bytes before the block.
fn change(block: *mut u8, before: usize, len: usize) {
    for at in 0..len {
        let byte = block.wrapping_sub(before).wrapping_add(at);
        // SAFETY: memory of the allocator, in a block and around it.
        unsafe { byte.write(byte.read() ^ 0x55) };
    }
}

fn underflow(block: *mut u8, by: usize) -> Wrong {
    change(block, by, by);
    wrong(block, OVERWRITTEN)
}

fn one_byte(block: *mut u8, before: usize) -> Wrong {
    change(block, before, 1);
    wrong(block, OVERWRITTEN)
}

/// The length is part of what would be said of a pointer into the block.
fn direct_from_inside() -> Wrong {
    let block = allocate(MIB);
    // SAFETY: the record lies 32 bytes before the payload.
    unsafe { block.sub(32).cast::<usize>().write(0) };
    wrong(block.wrapping_add(16), OVERWRITTEN)
}

fn header(block: *mut u8, value: u64) -> Wrong {
    // SAFETY: the header lies before the payload.
    unsafe { block.cast::<u64>().sub(1).write(value) };
    wrong(block, OVERWRITTEN)
}

/// Of the same size and state, but its seal is that of another address.
fn header_of_another() -> Wrong {
    let blocks = [(); 3].map(|()| allocate(100));
    // SAFETY: the header lies before the payload.
    header(blocks[1], unsafe { blocks[0].cast::<u64>().sub(1).read() })
}

/// Its neighbour writes more than it has.
fn overflow(by: usize, value: u8) -> Wrong {
    let blocks = [(); 3].map(|()| allocate(1100));
    let end = snugfit::usable_size(blocks[0]);
    // SAFETY: memory of the allocator: the end of the first block, and the second.
    unsafe { blocks[0].add(end).write_bytes(value, by) };
    wrong(blocks[1], OVERWRITTEN)
}

/// It was written beyond its own end, over the header of the next block, in use or free, whose payload is text.
fn behind(free_next: bool, value: u8, len: usize) -> Wrong {
    let blocks = [(); 3].map(|()| allocate(40_008));
    // SAFETY: the second block has 40,008 bytes, and then comes what the first one overwrites.
    unsafe {
        blocks[1].write_bytes(0x41, 40_008);
        if free_next {
            free(blocks[1]);
        }
        blocks[0].add(40_008).write_bytes(value, len);
    }
    wrong(blocks[0], OVERWRITTEN)
}

/// The last bytes of the free block before it are overwritten. (In these, the size is 0x9C50.)
fn footer(len: usize, value: u8) -> Wrong {
    let blocks = [(); 4].map(|()| allocate(40_000));
    free(blocks[1]);
    // SAFETY: the eight bytes before the header of the third block are the footer of the second.
    unsafe { blocks[2].sub(16).write_bytes(value, len) };
    wrong(blocks[2], "footer overwritten")
}

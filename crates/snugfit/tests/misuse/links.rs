//! Free blocks whose links were overwritten, by programs that write to what they have freed.

use crate::common::{allocate, free};
use crate::{Call, Case, Wrong, wrong};

/// Allocates as much as the block has that was written to: then its links are wanted. (There is no pointer to name.)
const ALLOCATE: Call = Call { name: "", with: |_| _ = allocate(SIZE) };
/// Frees the block before it, so that the two are joined.
const FREE_BEFORE: Call = Call { name: "", with: free_before };

pub(crate) const CASES: &[Case] = &[
    case("link_of_text", || older(u64::from_le_bytes(*b"too long"))),
    case("link_of_ones", || older(u64::MAX)),
    case("link_to_nowhere", || older(0x5000_0000_0008)),
    case("link_to_two_numbers", || older(8 | 1 << 32)),
    case("link_to_no_header", || older(free_blocks()[0].addr() as u64)),
    joined("link_back_of_zeros", || newer(0)),
    joined("link_back_to_itself", || newer(free_blocks()[0].addr() as u64 - 8)),
    joined("link_back_to_nowhere", || newer(0x5000_0000_0008)),
];

/// Larger than what is in slabs.
const SIZE: usize = 2040;

const fn case(name: &'static str, wrong: fn() -> Wrong) -> Case {
    Case { name, calls: &[ALLOCATE], wrong }
}

const fn joined(name: &'static str, wrong: fn() -> Wrong) -> Case {
    Case { name, calls: &[FREE_BEFORE], wrong }
}

fn free_before(block: *mut u8) {
    free(block.wrapping_sub(SIZE + 8));
    // What the thread keeps goes to the heap.
    snugfit::trim(0);
}

/// Two free blocks of one size among others, the one that was freed first in front.
fn free_blocks() -> [*mut u8; 2] {
    let blocks = [(); 6].map(|()| allocate(SIZE));
    free(blocks[1]);
    free(blocks[4]);
    snugfit::trim(0);
    [blocks[1], blocks[4]]
}

/// The link of the newer block to the older one is overwritten.
fn older(value: u64) -> Wrong {
    overwritten(1, 0, value)
}

/// The link of the older block to the newer one is overwritten.
fn newer(value: u64) -> Wrong {
    overwritten(0, 1, value)
}

fn overwritten(which: usize, word: usize, value: u64) -> Wrong {
    let block = free_blocks()[which];
    // SAFETY: memory of the allocator, which this program has freed.
    unsafe { block.cast::<u64>().add(word).write(value) };
    wrong(block, &format!("the freed block at {block:p}: link overwritten"))
}

//! What the cases are made of: blocks, what lies in them, and a program that goes on.

use std::hint::black_box;

use crate::calls::{free, malloc};
use crate::child::failed;

/// What blocks are filled with.
const FILL: u8 = 0x5A;

/// What is written where it should not be.
pub(crate) const WRONG: u8 = 0xEE;

pub(crate) const PAGE: usize = 4096;
pub(crate) const MIB: usize = 1 << 20;

/// A block of `size` bytes, all of them in use.
pub(crate) fn block(size: usize) -> *mut u8 {
    let block = must(malloc(size));
    fill(block, size, FILL);
    block
}

/// A block that must be one.
pub(crate) fn must(block: *mut u8) -> *mut u8 {
    if block.is_null() {
        failed("no memory");
    }
    block
}

/// Blocks of one size, in the order of their addresses.
pub(crate) fn row<const N: usize>(size: usize) -> [*mut u8; N] {
    let mut row = [(); N].map(|()| block(size));
    row.sort_unstable();
    row
}

/// A block in the midst of others, and that which lies nearest behind it.
pub(crate) fn neighbours(size: usize) -> (*mut u8, *mut u8) {
    let row: [_; 9] = row(size);
    // Not the first and not the last: what lies before and behind is of the same kind.
    let pairs = row[1..8].windows(2).map(|pair| (pair[0], pair[1]));
    pairs.min_by_key(|(block, behind)| behind.addr() - block.addr()).expect("there are six pairs")
}

/// Writes `len` bytes.
pub(crate) fn fill(start: *mut u8, len: usize, byte: u8) {
    let start = black_box(start);
    for at in 0..len {
        // SAFETY: none where it is misuse. The compiler knows nothing of the memory.
        unsafe { start.wrapping_add(at).write_volatile(byte) };
    }
}

/// Writes `bytes`.
pub(crate) fn write(start: *mut u8, bytes: &[u8]) {
    for (at, &byte) in bytes.iter().enumerate() {
        fill(start.wrapping_add(at), 1, byte);
    }
}

/// Reads a byte, whatever it is for.
pub(crate) fn read(from: *mut u8) -> u8 {
    // SAFETY: as in `fill`.
    black_box(unsafe { black_box(from).read_volatile() })
}

/// Reads `N` bytes.
pub(crate) fn read_all<const N: usize>(from: *mut u8) -> [u8; N] {
    std::array::from_fn(|at| read(from.wrapping_add(at)))
}

/// How many blocks of a size are many.
pub(crate) const fn many(size: usize) -> usize {
    if size <= PAGE { 1000 } else { 32 }
}

/// The next blocks of that size, as they come, all in use at once.
pub(crate) fn next_blocks<const N: usize>(size: usize) -> [*mut u8; N] {
    [(); N].map(|()| malloc(size))
}

/// Does what programs do: allocates, uses and frees blocks, of this size and of others. What was done to the allocator
/// before has time to show.
pub(crate) fn go_on(size: usize) {
    for round in 0..many(size) {
        use_and_free(size);
        use_and_free(1 + round % 256);
        if round % 16 == 0 {
            use_and_free(size / 2 + 1);
            use_and_free(2 * size + 1);
            use_and_free(100 * round);
        }
    }
}

/// A few blocks at once, freed in another order. One that is refused is done without.
fn use_and_free(size: usize) {
    let blocks: [*mut u8; 4] = next_blocks(size);
    for block in blocks.into_iter().filter(|block| !block.is_null() && size > 0) {
        fill(block, 1, FILL);
        fill(block.wrapping_add(size - 1), 1, FILL);
    }
    for at in [1, 3, 0, 2] {
        free(blocks[at]);
    }
}

//! What the tests share: children to run in, blocks filled with patterns, and figures of the process.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

pub mod child;
pub mod system;

use snugfit::{Stats, mem_alloc, mem_free, stats, try_mem_free, usable_size, validate};
use system::{errno, set_errno};

pub const KIB: usize = 1 << 10;
pub const MIB: usize = 1 << 20;
pub const GIB: usize = 1 << 30;

/// Whether each call to the allocator validates the heap: then a test does less, lest it take hours.
pub const EACH_CALL_VALIDATES: bool = cfg!(feature = "validate");

/// Whether free blocks are in one list, which a search walks.
pub const IS_LIST: bool = cfg!(all(feature = "list", not(feature = "tree")));

/// A live block of `size` bytes.
pub fn allocate(size: usize) -> *mut u8 {
    let block = mem_alloc(size);
    assert!(!block.is_null(), "{size} bytes are to be had");
    block
}

/// Frees a block that is live and was not freed before.
pub fn free(block: *mut u8) {
    // SAFETY: the tests pass live blocks, and use them no more.
    unsafe { mem_free(block) };
}

/// Frees whatever it is given, if it is a live block.
pub fn try_free(pointer: *mut u8) -> Result<(), snugfit::BadPointer> {
    // SAFETY: the tests pass live blocks that they use no more, and pointers that are no blocks.
    unsafe { try_mem_free(pointer) }
}

/// The block, resized.
pub fn resize(block: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: the tests pass live blocks, and use only the result from now on.
    unsafe { snugfit::mem_resize(block, size) }
}

#[track_caller]
pub fn assert_valid() {
    assert_eq!(validate(), Ok(()));
}

/// The first `size` bytes of a live block.
pub fn bytes<'a>(block: *mut u8, size: usize) -> &'a mut [u8] {
    assert!(usable_size(block) >= size, "the block is large enough");
    // SAFETY: the block is live and at least that large; the tests drop the slice before they free or share it.
    unsafe { std::slice::from_raw_parts_mut(block, size) }
}

/// Fills `size` bytes of a live block with what `seed` says.
pub fn fill(block: *mut u8, size: usize, seed: usize) {
    let (words, rest) = bytes(block, size).as_chunks_mut::<8>();
    for (at, word) in words.iter_mut().enumerate() {
        *word = pattern(seed, at);
    }
    rest.copy_from_slice(&pattern(seed, size / 8)[..rest.len()]);
}

/// The first `size` bytes of a live block are those that [`fill`] wrote.
#[track_caller]
pub fn check(block: *mut u8, size: usize, seed: usize) {
    let (words, rest) = bytes(block, size).as_chunks::<8>();
    let changed = words.iter().enumerate().find(|&(at, word)| *word != pattern(seed, at));
    assert_eq!(changed, None, "a word of the {size} bytes at {block:?} has changed");
    assert_eq!(rest, &pattern(seed, size / 8)[..rest.len()], "the end of the {size} bytes at {block:?}");
}

fn pattern(seed: usize, at: usize) -> [u8; 8] {
    (seed ^ at).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()
}

/// The seed of a random test: that in the environment variable `SNUGFIT_SEED`, else `usual`. It is printed, so that a test
/// that fails says it.
pub fn seed(usual: u64) -> u64 {
    let seed = std::env::var("SNUGFIT_SEED").map_or(usual, |text| text.parse().expect("a number"));
    eprintln!("SNUGFIT_SEED={seed}");
    seed
}

/// From nothing to where every block is a mapping of its own.
pub const SIZES: [usize; 12] =
    [0, 1, 24, 25, 100, 4096, 100_000, 128 * KIB - 1, 128 * KIB, 300 * KIB, MIB, 33 * MIB];

/// Null, and `errno` says why.
#[track_caller]
pub fn assert_refused(call: impl FnOnce() -> *mut u8, why: i32) {
    set_errno(0);
    assert!(call().is_null());
    assert_eq!(errno(), why);
}

/// What is held, without what is counted of calls.
pub fn held() -> (usize, usize, usize, usize) {
    let Stats { heap_blocks, heap_bytes, direct_blocks, direct_bytes, .. } = stats();
    (heap_blocks, heap_bytes, direct_blocks, direct_bytes)
}

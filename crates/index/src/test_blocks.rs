//! Blocks for the tests of the lists.

use core::ptr::NonNull;

use snugfit_tag::{Block, MIN_BLOCK, Tag};

/// Free blocks of 32 bytes, each in memory of its own.
pub(crate) fn blocks<const N: usize>(memory: &mut [[u64; 4]; N]) -> [Block; N] {
    memory.each_mut().map(|words| {
        // SAFETY: four words are a header and more links than lists and rings use; they outlive the test.
        let block = unsafe { Block::from_header(NonNull::from(words).cast()) };
        block.set_tag(Tag::free(MIN_BLOCK));
        block
    })
}

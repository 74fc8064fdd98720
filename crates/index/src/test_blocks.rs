//! Blocks for the tests of the lists.

use core::ptr::NonNull;

use snugfit_tag::{Block, MIN_BLOCK, Seal, Tag};

/// Free blocks of 32 bytes, each in memory of its own.
pub(crate) fn blocks<const N: usize>(memory: &mut [[u128; 4]; N]) -> [Block; N] {
    memory.each_mut().map(|words| {
        // SAFETY: behind the first eight bytes, which align it, there is room for a header and more links than lists and
        // rings use. It outlives the test.
        let block = unsafe { Block::from_header(NonNull::from(words).cast::<u8>().byte_add(8)) };
        block.set_tag(Tag::free(MIN_BLOCK));
        block.set_seal(Seal::FREE);
        block
    })
}

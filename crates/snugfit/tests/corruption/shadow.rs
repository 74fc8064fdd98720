//! What the program knows of its blocks: where they are, and what it has written to them.

use std::ops::Range;

use crate::common;

/// A live block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    pub(crate) start: *mut u8,
    pub(crate) len: usize,
    /// What it is filled with begins with this.
    key: u64,
}

/// All live blocks; and the word that was overwritten, if that was: it may hold anything.
#[derive(Debug)]
pub(crate) struct Shadow {
    blocks: Vec<Live>,
    /// The addresses of bytes that somebody has written to who must not.
    pub(crate) hole: Range<usize>,
}

/// As many live blocks as there may be: room for them is made beforehand, as what the test itself allocates must not move.
pub(crate) const MOST: usize = 400;

impl Live {
    fn byte(&self, at: usize) -> u8 {
        (self.key.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_right(at as u32 & 56) as u8)
            .wrapping_add(at as u8)
    }

    pub(crate) fn addresses(&self) -> Range<usize> {
        self.start.addr()..self.start.addr() + self.len
    }
}

impl Shadow {
    pub(crate) fn new() -> Self {
        Self { blocks: Vec::with_capacity(MOST), hole: 0..0 }
    }

    pub(crate) fn blocks(&self) -> &[Live] {
        &self.blocks
    }

    /// A block that the allocator has given, of `len` bytes: it lies apart from all others, and is filled.
    pub(crate) fn add(&mut self, start: *mut u8, len: usize, key: u64) {
        let new = Live { start, len, key };
        let range = new.addresses();
        for other in &self.blocks {
            let taken = other.addresses();
            // Of 0 bytes, a block has an address of its own as well.
            let apart = range.end.max(range.start + 1) <= taken.start
                || taken.end.max(taken.start + 1) <= range.start;
            assert!(apart, "a block over another: {range:x?} and {taken:x?}");
        }
        common::bytes(start, len).iter_mut().enumerate().for_each(|(at, byte)| *byte = new.byte(at));
        self.blocks.push(new);
    }

    /// Takes a block out, whose first bytes must be as they were written.
    pub(crate) fn remove(&mut self, number: usize) -> Live {
        let block = self.blocks.swap_remove(number);
        self.check(&block, block.start, block.len);
        block
    }

    /// Checks `len` bytes at `at`, which are those of `block`.
    pub(crate) fn check(&self, block: &Live, at: *mut u8, len: usize) {
        for offset in 0..len {
            // SAFETY: the bytes are a live block's.
            let found = unsafe { at.add(offset).read() };
            let is_hole = self.hole.contains(&(block.start.addr() + offset));
            assert!(
                found == block.byte(offset) || is_hole,
                "byte {offset} of the block at {:p}, of {} bytes, has changed",
                block.start,
                block.len
            );
        }
    }

    /// Checks that `len` bytes at `start` are zero.
    pub(crate) fn check_zeros(&self, start: *mut u8, len: usize) {
        for at in 0..len {
            // SAFETY: the bytes are a live block's.
            let is_zero = unsafe { start.add(at).read() } == 0;
            assert!(
                is_zero || self.hole.contains(&(start.addr() + at)),
                "byte {at} at {start:p} is not zero"
            );
        }
    }
}

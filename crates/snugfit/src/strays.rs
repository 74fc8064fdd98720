//! Blocks that came to the wrong arena.

use core::ptr::NonNull;

use snugfit_index::Part;
use snugfit_tag::HEADER;

use crate::chained::{self, Overwritten};
use crate::report;

/// Cached blocks of other arenas, each of which names the next: for as long as the lock is held under which they were found.
#[derive(Debug)]
pub(crate) struct Strays(Option<NonNull<u8>>);

// SAFETY: the blocks are nobody else's.
unsafe impl Send for Strays {}

impl Strays {
    pub(crate) const NONE: Self = Self(None);

    pub(crate) const fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Adds a block.
    ///
    /// # Safety
    /// - It is a cached block, and nobody uses it.
    pub(crate) unsafe fn push(&mut self, block: NonNull<u8>) {
        // SAFETY: each block has a word.
        unsafe { chained::note(block, 0, self.0) };
        self.0 = Some(block);
    }

    /// The block that comes first.
    pub(crate) const fn first(&self) -> Option<NonNull<u8>> {
        self.0
    }

    /// Takes out the block that comes first. Ends the process if somebody has written to it.
    pub(crate) fn pop(&mut self) -> Option<NonNull<u8>> {
        let block = self.0?;
        // SAFETY: the word was noted when the block was added.
        match unsafe { chained::noted(block, 0) } {
            Ok(next) => self.0 = next,
            Err(Overwritten) => report::broken_in_heap(block.addr().get() - HEADER, Part::Link),
        }
        Some(block)
    }
}

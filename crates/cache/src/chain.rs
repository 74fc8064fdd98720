//! A chain: blocks in whose own memory it is written which others there are.

use core::ptr::NonNull;

use crate::{Class, Supplier};

/// Blocks of one class, last in first out. The newest holder names the others that came after it, and the holder before it:
/// as many as its memory has words.
///
/// ```text
///   newest ──▶ holder ────────▶ holder ────────▶ ...     word 0
///              ├─▶ block        ├─▶ block                word 1
///              ╰─▶ block        ╰─▶ block                ...
/// ```
///
/// A magazine takes eight bytes for a block, and none of its blocks has to be touched. This takes none, and touches the holders:
/// one block of three if they are smallest, and fewer of others.
#[derive(Debug)]
pub(crate) struct Chain {
    newest: Option<NonNull<u8>>,
    /// Words of the newest holder that are in use. The others are full.
    used: usize,
    count: usize,
}

/// Words of a block: what it has but for an 8-byte header.
const fn words(class: Class) -> usize {
    class.block_size() / 8 - 1
}

impl Chain {
    pub(crate) const NONE: Self = Self { newest: None, used: 0, count: 0 };

    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Puts a block of `class` in, which nobody uses. O(1).
    pub(crate) fn push(&mut self, class: Class, block: NonNull<u8>, supplier: &mut impl Supplier) {
        match self.newest {
            Some(holder) if self.used < words(class) => {
                // SAFETY: the holder is in this chain, and nobody uses it.
                unsafe { supplier.note(holder, self.used, Some(block)) };
                self.used += 1;
            }
            older => {
                // SAFETY: the block is in this chain now.
                unsafe { supplier.note(block, 0, older) };
                (self.newest, self.used) = (Some(block), 1);
            }
        }
        self.count += 1;
    }

    /// Takes the block of `class` out that was put in last. O(1).
    pub(crate) fn pop(&mut self, class: Class, supplier: &impl Supplier) -> Option<NonNull<u8>> {
        let holder = self.newest?;
        self.count -= 1;
        self.used -= 1;
        // SAFETY: the holder is in this chain, and that word is in use.
        let noted = unsafe { supplier.noted(holder, self.used) };
        if self.used > 0 {
            return noted;
        }
        (self.newest, self.used) = (noted, words(class));
        Some(holder)
    }

    /// Visits the blocks in it. `noted` reads what was noted in a word of a block, and says `None` if that is nothing, or not
    /// to be believed.
    pub(crate) fn for_each(
        &self,
        class: Class,
        noted: impl Fn(NonNull<u8>, usize) -> Option<NonNull<u8>>,
        mut visit: impl FnMut(NonNull<u8>),
    ) {
        let (mut next, mut used, mut left) = (self.newest, self.used, self.count);
        while let Some(holder) = next.filter(|_| left >= used) {
            visit(holder);
            (1..used).filter_map(|word| noted(holder, word)).for_each(&mut visit);
            left -= used;
            (next, used) = (noted(holder, 0), words(class));
        }
    }
}

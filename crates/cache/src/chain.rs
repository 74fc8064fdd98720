//! A chain: blocks in whose own memory it is written which others there are.

use core::ptr::NonNull;

use crate::{Class, Supplier};

/// Blocks of one class, last in first out. The newest holder names the others that came after it: as many as its memory has
/// words, but one. That one names the holder that came [`LANES`] before it.
///
/// ```text
///   newest ──▶ holder ──────────────────────────────────▶ holder      word 0
///              ├─▶ block                                  ├─▶ block   word 1
///              ╰─▶ block                                  ╰─▶ block   ...
///          ──▶ holder ──────────────────────────────────▶ holder
///   oldest ──▶ holder ──────────────────────────────────▶ holder
/// ```
///
/// A magazine takes eight bytes for a block, and none of its blocks has to be touched. This takes none, and touches the holders:
/// one block of three if they are smallest, and fewer of others. What is freed long before it is used again is far from the
/// processor: if each holder named the one before it, who takes a batch would wait for one after the other. Here the next
/// few are known, and on their way while others are used.
#[derive(Debug)]
pub(crate) struct Chain {
    /// The last holders that came, in a ring.
    holders: [Option<NonNull<u8>>; LANES],
    /// Where in it the newest is. (Taken modulo its length wherever it is read, so that nothing can panic.)
    at: usize,
    /// Words of the newest holder that are in use. The others are full.
    used: usize,
    count: usize,
}

/// How many holders are known at once: more than a batch takes.
const LANES: usize = 8;

/// Words of a block: what it has but for an 8-byte header.
const fn words(class: Class) -> usize {
    class.block_size() / 8 - 1
}

impl Chain {
    pub(crate) const NONE: Self = Self { holders: [None; LANES], at: 0, used: 0, count: 0 };

    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Puts a block of `class` in, which nobody uses. O(1).
    pub(crate) fn push(&mut self, class: Class, block: NonNull<u8>, supplier: &mut impl Supplier) {
        match self.holders[self.at % LANES] {
            Some(holder) if self.used < words(class) => {
                // SAFETY: the holder is in this chain, and nobody uses it.
                unsafe { supplier.note(holder, self.used, Some(block)) };
                self.used += 1;
            }
            _ => {
                self.at = after(self.at);
                // SAFETY: the block is in this chain now.
                unsafe { supplier.note(block, 0, self.holders[self.at]) };
                self.holders[self.at] = Some(block);
                self.used = 1;
            }
        }
        self.count += 1;
    }

    /// Takes the block of `class` out that was put in last. O(1).
    pub(crate) fn pop(&mut self, class: Class, supplier: &impl Supplier) -> Option<NonNull<u8>> {
        let holder = self.holders[self.at % LANES]?;
        self.count -= 1;
        self.used -= 1;
        // SAFETY: the holder is in this chain, and that word is in use.
        let noted = unsafe { supplier.noted(holder, self.used) };
        if self.used > 0 {
            return noted;
        }
        self.holders[self.at % LANES] = noted;
        if let Some(older) = noted {
            supplier.prefetch(older, words(class) - 1);
        }
        (self.at, self.used) = (before(self.at), words(class));
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
        let (mut holders, mut used, mut left) = (self.holders, self.used, self.count);
        let mut at = self.at % LANES;
        while let Some(holder) = holders[at].filter(|_| left >= used) {
            visit(holder);
            (1..used).filter_map(|word| noted(holder, word)).for_each(&mut visit);
            left -= used;
            holders[at] = noted(holder, 0);
            (at, used) = (before(at), words(class));
        }
    }
}

const fn after(at: usize) -> usize {
    (at + 1) % LANES
}

const fn before(at: usize) -> usize {
    (at + LANES - 1) % LANES
}

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
pub(crate) const fn words(class: Class) -> usize {
    class.block_size() / 8 - 1
}

impl Chain {
    pub(crate) const NONE: Self = Self { holders: [None; LANES], at: 0, used: 0, count: 0 };

    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Puts blocks of `class` in, which nobody uses. O(blocks).
    pub(crate) fn push_all(
        &mut self,
        class: Class,
        mut blocks: impl Iterator<Item = NonNull<u8>>,
        supplier: &mut impl Supplier,
    ) {
        let (mut at, mut used, mut count) = (self.at % LANES, self.used, self.count);
        loop {
            if let Some(holder) = self.holders[at] {
                let first = used;
                while used < words(class)
                    && let Some(block) = blocks.next()
                {
                    // SAFETY: the holder is in this chain, and nobody uses it.
                    unsafe { supplier.note(holder, used, Some(block)) };
                    used += 1;
                }
                count += used - first;
            }
            // Either they have come to an end, or the holder is full.
            let Some(block) = blocks.next() else { break };
            at = after(at);
            // SAFETY: the block is in this chain now.
            unsafe { supplier.note(block, 0, self.holders[at]) };
            self.holders[at] = Some(block);
            (used, count) = (1, count + 1);
        }
        (self.at, self.used, self.count) = (at, used, count);
    }

    /// Takes up to `most` blocks of `class` out, and gives them to `put`: that which was put in last comes first. Returns how
    /// many. O(blocks).
    pub(crate) fn pop_all(
        &mut self,
        class: Class,
        most: usize,
        supplier: &impl Supplier,
        mut put: impl FnMut(NonNull<u8>),
    ) -> usize {
        let (mut at, mut used) = (self.at % LANES, self.used);
        let popped = most.min(self.count);
        let mut left = popped;
        while left > 0
            && let Some(holder) = self.holders[at]
        {
            let others = left.min(used - 1);
            // SAFETY: the holder is in this chain, and those words are in use.
            unsafe { supplier.noted_all(holder, used - others..used, &mut put) };
            (left, used) = (left - others, used - others);
            if left > 0 {
                // SAFETY: as above.
                let older = unsafe { supplier.noted(holder, 0) };
                if let Some(older) = older {
                    supplier.prefetch(older, words(class) - 1);
                }
                self.holders[at] = older;
                put(holder);
                (left, at, used) = (left - 1, before(at), words(class));
            }
        }
        (self.at, self.used, self.count) = (at, used, self.count - popped);
        popped
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

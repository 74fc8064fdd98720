//! Both kinds of bins as one free index.

use snugfit_index::guard::{Guard, Part, Plausible, require};
use snugfit_index::{FreeIndex, IndexViolation};
use snugfit_tag::{Block, MIN_BLOCK};

use crate::large::Large;
use crate::small::{SMALL_LIMIT, SmallBins};

/// Free blocks in bins by size: exact lists below 8 KiB, tries above. See the crate's documentation.
#[derive(Debug)]
pub struct GuardedBins<G> {
    small: SmallBins<G>,
    large: Large<G>,
}

/// [`GuardedBins`] for whoever does not know where its memory is.
pub type BinsIndex = GuardedBins<Plausible>;

const _: () = assert!(size_of::<BinsIndex>() == 5440, "the crate's documentation says 5.3 KiB");

impl<G: Guard> GuardedBins<G> {
    /// The best fit of `size` among the large blocks, and its size. What cannot be one is not believed; whether it is right is for
    /// the caller of the index to see.
    #[inline]
    fn find_large(&self, size: usize) -> Option<(Block, usize)> {
        let (block, found) = self.large.find(size)?;
        require::<G>(found >= size.max(SMALL_LIMIT), block, Part::Header);
        Some((block, found))
    }

    /// Takes `size` bytes from the front of the best fit among the large blocks. Kept out of line, so that the path of
    /// small sizes needs few registers.
    ///
    /// # Safety
    /// - As for `FreeIndex::take_split`.
    #[inline(never)]
    unsafe fn split_large(&mut self, size: usize) -> Option<(Block, usize)> {
        let Some((block, found)) = self.find_large(size) else {
            self.large.has_none(size);
            return None;
        };
        // SAFETY: a block that was found is in the index, under the size that its tag states; the rest is part of it,
        // and has a block's size, since the caller's is one.
        unsafe {
            let rest = found - size;
            if rest >= SMALL_LIMIT {
                self.large.cut(block, found, block.offset(size), rest);
            } else if rest >= MIN_BLOCK {
                self.large.remove(block, found);
                self.small.insert(block.offset(size), rest);
            } else {
                self.large.remove(block, found);
            }
        }
        Some((block, found))
    }
}

// SAFETY: each half keeps the contract for its sizes (the conformance suite checks it), writes to links only, and a
// small block is smaller than any large one.
unsafe impl<G: Guard> FreeIndex for GuardedBins<G> {
    const EMPTY: Self = Self { small: SmallBins::EMPTY, large: Large::EMPTY };

    #[inline]
    unsafe fn insert(&mut self, block: Block, size: usize) {
        // SAFETY: the caller's promises hold for the half that the size belongs to.
        unsafe {
            if size < SMALL_LIMIT { self.small.insert(block, size) } else { self.large.insert(block, size) }
        }
    }

    #[inline]
    unsafe fn remove(&mut self, block: Block, size: usize) {
        // SAFETY: as for `insert`: the same size leads to the same half.
        unsafe {
            if size < SMALL_LIMIT { self.small.remove(block, size) } else { self.large.remove(block, size) }
        }
    }

    fn find(&self, size: usize) -> Option<Block> {
        let small = if size < SMALL_LIMIT { self.small.find(size) } else { None };
        small.or_else(|| self.large.find(size).map(|(block, _)| block))
    }

    fn for_each(&self, visit: &mut dyn FnMut(Block)) {
        self.small.for_each(visit);
        self.large.for_each(visit);
    }

    fn for_each_from(&self, smallest: usize, visit: &mut dyn FnMut(Block)) {
        let visit = &mut |block: Block| {
            if block.size() >= smallest {
                visit(block);
            }
        };
        if smallest < SMALL_LIMIT {
            self.small.for_each(visit);
        }
        self.large.for_each(visit);
    }

    #[inline]
    fn take(&mut self, size: usize) -> Option<(Block, usize)> {
        if size < SMALL_LIMIT {
            let taken = self.small.take(size);
            if taken.is_some() {
                return taken;
            }
        }
        let (block, found) = self.find_large(size)?;
        // SAFETY: a block that was found is in the index, under the size that its tag states.
        unsafe { self.large.remove(block, found) };
        Some((block, found))
    }

    #[inline]
    fn take_older(&mut self, size: usize, steps: usize) -> Option<(Block, usize)> {
        if size < SMALL_LIMIT {
            let taken = self.small.take_older(size, steps);
            if taken.is_some() {
                return taken;
            }
        }
        self.take(size)
    }

    #[inline]
    unsafe fn take_split(&mut self, size: usize) -> Option<(Block, usize)> {
        if size < SMALL_LIMIT
            && let Some((block, found)) = self.small.take(size)
        {
            if found - size >= MIN_BLOCK {
                // SAFETY: the rest lies in the block that was just taken; being smaller, it is small too. The caller
                // passes a block's size, so the rest has one as well, and writes its tag in time.
                unsafe { self.small.insert(block.offset(size), found - size) };
            }
            return Some((block, found));
        }
        if !self.large.may_have(size) {
            return None;
        }
        // SAFETY: the caller's promises.
        unsafe { self.split_large(size) }
    }

    #[inline]
    unsafe fn replace(&mut self, from: Block, old: usize, to: Block, new: usize) {
        // SAFETY: the caller's promises; both sizes lead to the large half, or each to its own.
        unsafe {
            if old.min(new) >= SMALL_LIMIT {
                self.large.replace(from, old, to, new);
            } else {
                self.remove(from, old);
                self.insert(to, new);
            }
        }
    }

    fn broken(block: usize, part: Part) -> ! {
        G::broken(block, part)
    }

    fn validate(&self) -> Result<(), IndexViolation> {
        self.small.validate()?;
        self.large.validate()
    }
}

#[cfg(test)]
mod tests {
    use core::ptr::NonNull;

    use snugfit_index::Rule;
    use snugfit_tag::{Seal, Tag};

    use super::*;

    /// Headers that claim `sizes`, each with room for links behind it.
    fn blocks<const N: usize>(memory: &mut [[u128; 8]; N], sizes: [usize; N]) -> [Block; N] {
        let mut sizes = sizes.into_iter();
        memory.each_mut().map(|words| {
            // SAFETY: behind the first eight bytes, which align it, there is room for a header and more links than the
            // index uses. It outlives the test.
            let block = unsafe { Block::from_header(NonNull::from(words).cast::<u8>().byte_add(8)) };
            sizes.next().into_iter().for_each(|size| block.set_tag(Tag::free(size)));
            block.set_seal(Seal::FREE);
            block
        })
    }

    /// What `validate` says of an index of blocks of `sizes` after `damage` to it and to them.
    fn damaged<const N: usize>(
        sizes: [usize; N],
        damage: impl FnOnce(&mut BinsIndex, [Block; N]),
    ) -> Result<(), Rule> {
        let mut memory = [[0; 8]; N];
        let blocks = blocks(&mut memory, sizes);
        let mut index = BinsIndex::EMPTY;
        // SAFETY: each block is inserted once, under the size that its tag states.
        blocks.into_iter().for_each(|block| unsafe { index.insert(block, block.size()) });
        assert_eq!(index.validate(), Ok(()));
        damage(&mut index, blocks);
        index.validate().map_err(|violation| violation.rule)
    }

    #[test]
    fn blocks_under_wrong_sizes_are_found() {
        let ordered = Err(Rule::Ordered);
        assert_eq!(damaged([32, 48], |_, [_, block]| block.set_tag(Tag::free(64))), ordered);
        assert_eq!(damaged([8192], |_, [block]| block.set_tag(Tag::free(9216))), ordered, "the next bin");
        let sizes = [8192, 8192 + 512];
        assert_eq!(damaged(sizes, |_, [_, right]| right.set_tag(Tag::free(8208))), ordered, "the left child");
        assert_eq!(
            damaged([8192, 8192], |_, [_, newer]| newer.set_tag(Tag::free(8208))),
            ordered,
            "one ring"
        );
        assert_eq!(damaged([8192], |index, _| index.large.has_none(8192)), ordered, "larger than any can be");
    }

    #[test]
    fn links_that_disagree_are_found() {
        const PARENT: usize = 4;
        let linked = Err(Rule::Linked);
        // SAFETY: the words changed are links of blocks in the index.
        unsafe {
            let orphan = damaged([8192, 8192 + 512], |_, [_, child]| child.set_link(PARENT, None));
            assert_eq!(orphan, linked);
            let ring = damaged([8192, 8192], |_, [_, newer]| newer.set_link(1, Some(newer)));
            assert_eq!(ring, linked);
            let list = damaged([32, 32], |_, [older, _]| older.set_link(1, None));
            assert_eq!(list, linked);
        }
    }

    #[test]
    fn bits_that_are_wrong_are_found() {
        let mapped = Err(Rule::Mapped);
        assert_eq!(damaged([32], |index, _| index.small.map.clear(2)), mapped, "of a list that is not empty");
        assert_eq!(damaged([32], |index, _| index.small.map.set(3)), mapped, "of a list that is empty");
        assert_eq!(damaged([32], |index, _| index.small.map.damage_summary()), mapped);
        assert_eq!(
            damaged([8192], |index, _| index.large.tries.map.clear(0)),
            mapped,
            "of a trie that is not empty"
        );
        assert_eq!(
            damaged([8192], |index, _| index.large.tries.map.set(1)),
            mapped,
            "of a trie that is empty"
        );
        assert_eq!(damaged([8192], |index, _| index.large.tries.map.damage_summary()), mapped);
    }
}

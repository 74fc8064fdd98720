//! A doubly linked list through blocks, newest first.

use snugfit_tag::Block;

use crate::{IndexViolation, Rule};

/// A doubly linked list of blocks, newest first, for blocks of any one size or of all: it needs two words of each,
/// so it fits the smallest. One pointer large.
///
/// ```text
///  head ──▶ newest ──▶ ... ──▶ oldest ──▶ None       link 0: older
///           newest ◀── ... ◀── oldest                link 1: newer
/// ```
///
/// Nothing is said of link 1 of the newest block: who wants to know compares with the head, and `pop` need not touch
/// the block that becomes the newest.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct List {
    newest: Option<Block>,
}

const OLDER: usize = 0;
const NEWER: usize = 1;

impl List {
    /// A list without blocks.
    pub const EMPTY: Self = Self { newest: None };

    /// The block pushed last.
    #[inline]
    #[must_use]
    pub const fn newest(&self) -> Option<Block> {
        self.newest
    }

    /// Puts `block` in front. O(1).
    ///
    /// # Safety
    /// - `block` is free, in no list, and the caller owns its first two link words.
    #[inline]
    pub unsafe fn push(&mut self, block: Block) {
        // SAFETY: the caller owns the links of `block`; the old front is in this list, so its links are ours.
        unsafe {
            block.set_link(OLDER, self.newest);
            if let Some(front) = self.newest {
                front.set_link(NEWER, Some(block));
            }
        }
        self.newest = Some(block);
    }

    /// Takes `block` out. O(1).
    ///
    /// # Safety
    /// - `block` is in this list.
    #[inline]
    pub unsafe fn unlink(&mut self, block: Block) {
        // SAFETY: `block` and its neighbours are in this list, so their links are ours; all but the newest have a
        // newer one.
        unsafe {
            let older = block.link(OLDER);
            if self.newest == Some(block) {
                self.newest = older;
                return;
            }
            let newer = block.link(NEWER).unwrap_unchecked();
            newer.set_link(OLDER, older);
            if let Some(older) = older {
                older.set_link(NEWER, Some(newer));
            }
        }
    }

    /// Takes out the block pushed last. O(1).
    #[inline]
    pub fn pop(&mut self) -> Option<Block> {
        let block = self.newest?;
        // SAFETY: the newest block is in this list.
        self.newest = unsafe { block.link(OLDER) };
        Some(block)
    }

    /// The blocks, newest first.
    pub fn iter(&self) -> impl Iterator<Item = Block> + '_ {
        // SAFETY: every block reached is in this list.
        core::iter::successors(self.newest, |block| unsafe { block.link(OLDER) })
    }

    /// Checks that links forward and back agree and that `belongs` accepts the size of every block. O(n).
    ///
    /// # Errors
    /// [`Rule::Linked`] or [`Rule::Ordered`].
    pub fn validate(&self, belongs: impl Fn(usize) -> bool) -> Result<(), IndexViolation> {
        let mut newer = None;
        for block in self.iter() {
            // With links back that agree, a list that loops can only come back to its newest block.
            // SAFETY: `block` is in this list.
            let linked =
                newer.is_none() || (unsafe { block.link(NEWER) } == newer && self.newest != Some(block));
            IndexViolation::unless(linked, Rule::Linked, Some(block))?;
            IndexViolation::unless(belongs(block.size()), Rule::Ordered, Some(block))?;
            newer = Some(block);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use snugfit_tag::MIN_BLOCK;

    use super::*;
    use crate::test_blocks::blocks;

    #[test]
    fn any_block_can_leave_and_the_rest_keeps_its_order() {
        for leaver in 0..5 {
            let mut memory = [[0; 4]; 5];
            let blocks = blocks(&mut memory);
            let mut list = List::EMPTY;
            // SAFETY: each block is pushed once, and in the list when it is unlinked.
            unsafe {
                blocks.into_iter().for_each(|block| list.push(block));
                list.unlink(blocks[leaver]);
            }
            let expected: Vec<_> =
                blocks.into_iter().rev().filter(|&block| block != blocks[leaver]).collect();
            assert_eq!(list.iter().collect::<Vec<_>>(), expected);
            assert_eq!(list.validate(|size| size == MIN_BLOCK), Ok(()));
            let popped: Vec<_> = core::iter::from_fn(|| list.pop()).collect();
            assert_eq!(popped, expected);
            assert_eq!(list.newest(), None);
        }
    }

    #[test]
    fn damage_is_found_and_ends_the_check() {
        let mut memory = [[0; 4]; 3];
        let blocks = blocks(&mut memory);
        let mut list = List::EMPTY;
        // SAFETY: each block is pushed once.
        blocks.into_iter().for_each(|block| unsafe { list.push(block) });
        let rule = |list: &List| list.validate(|size| size == MIN_BLOCK).map_err(|violation| violation.rule);
        assert_eq!(list.validate(|_| false).map_err(|violation| violation.rule), Err(Rule::Ordered));
        // The oldest is followed by the newest, with links back that agree: a loop.
        // SAFETY: the words are links of blocks in the list.
        unsafe {
            blocks[0].set_link(OLDER, Some(blocks[2]));
            blocks[2].set_link(NEWER, Some(blocks[0]));
        }
        assert_eq!(rule(&list), Err(Rule::Linked));
        // SAFETY: as above.
        unsafe { blocks[0].set_link(OLDER, None) };
        assert_eq!(rule(&list), Ok(()));
        // SAFETY: as above.
        unsafe { blocks[1].set_link(NEWER, None) };
        assert_eq!(rule(&list), Err(Rule::Linked));
    }
}

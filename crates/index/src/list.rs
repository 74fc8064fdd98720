//! A doubly linked list through blocks, newest first.

use core::marker::PhantomData;

use snugfit_tag::{Block, Seal};

use crate::guard::{Guard, Part, Plausible, require};
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
/// the block that becomes the newest. So that one is known to lie where blocks do, and no more: `push` sees that it is
/// free before it writes there, and who takes it must look at its header.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct List<G = Plausible> {
    newest: Option<Block>,
    guard: PhantomData<G>,
}

const OLDER: usize = 0;
const NEWER: usize = 1;

impl<G: Guard> List<G> {
    /// A list without blocks.
    pub const EMPTY: Self = Self { newest: None, guard: PhantomData };

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
                require::<G>(front.seal() == Seal::FREE, front, Part::Header);
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
        // SAFETY: the caller vouches for the block.
        unsafe {
            if !self.unlink_if(block, G::is_near) {
                self.unlink_far(block);
            }
        }
    }

    /// [`unlink`](Self::unlink), if the neighbours pass `may_follow`, and their links lead here. Else false, with nothing
    /// changed.
    ///
    /// # Safety
    /// - As for [`unlink`](Self::unlink).
    #[inline(always)]
    unsafe fn unlink_if(&mut self, block: Block, may_follow: impl Fn(Block) -> bool) -> bool {
        // SAFETY: `block` and its neighbours are in this list, so their links are ours; what may be followed has two that
        // are readable.
        unsafe {
            let older = block.link(OLDER);
            if self.newest == Some(block) {
                let passes = older.is_none_or(may_follow);
                if passes {
                    self.newest = older;
                }
                return passes;
            }
            let Some(newer) = block.link(NEWER) else { return false };
            if !may_follow(newer) || newer.link(OLDER) != Some(block) {
                return false;
            }
            if let Some(older) = older {
                if !may_follow(older) || older.link(NEWER) != Some(block) {
                    return false;
                }
                older.set_link(NEWER, Some(newer));
            }
            newer.set_link(OLDER, older);
            true
        }
    }

    /// [`unlink`](Self::unlink) where a neighbour is far away, or a link broken.
    ///
    /// # Safety
    /// - As for [`unlink`](Self::unlink).
    #[cold]
    #[inline(never)]
    unsafe fn unlink_far(&mut self, block: Block) {
        // SAFETY: the caller vouches for the block.
        require::<G>(unsafe { self.unlink_if(block, G::may_follow) }, block, Part::Link);
    }

    /// Takes out the block pushed last. O(1). Whether it is as free as it should be is for the caller to see: it has yet
    /// to touch its header.
    #[inline]
    pub fn pop(&mut self) -> Option<Block> {
        let block = self.newest?;
        // SAFETY: the newest block is in this list.
        unsafe { self.unlink(block) };
        Some(block)
    }

    /// The blocks, newest first, up to the first link that cannot be believed: of that, [`Guard::broken`] is told.
    pub fn iter(&self) -> impl Iterator<Item = Block> + '_ {
        core::iter::successors(self.newest, |&block| {
            self.older(block).unwrap_or_else(|_| G::broken(block.address(), Part::Link))
        })
    }

    /// The block behind `block`, which is in this list, if their links agree. Then a list that loops can only come back to
    /// its newest block, and that is seen.
    fn older(&self, block: Block) -> Result<Option<Block>, IndexViolation> {
        // SAFETY: `block` is in this list, and what the guard lets pass has two readable words.
        let (older, linked) = unsafe {
            let older = block.link(OLDER);
            let is_linked = |older: Block| G::may_follow(older) && older.link(NEWER) == Some(block);
            (older, older.is_none_or(|older| is_linked(older) && self.newest != Some(older)))
        };
        IndexViolation::unless(linked, Rule::Linked, Some(block))?;
        Ok(older)
    }

    /// Checks that links forward and back agree and that `belongs` accepts the size of every block, and shows those to `see`.
    /// O(n).
    ///
    /// # Errors
    /// [`Rule::Linked`] or [`Rule::Ordered`].
    pub fn visit(
        &self,
        belongs: impl Fn(usize) -> bool,
        see: &mut dyn FnMut(Block),
    ) -> Result<(), IndexViolation> {
        let mut next = self.newest;
        while let Some(block) = next {
            IndexViolation::unless(belongs(block.size()), Rule::Ordered, Some(block))?;
            see(block);
            next = self.older(block)?;
        }
        Ok(())
    }

    /// [`visit`](Self::visit) for its findings alone.
    ///
    /// # Errors
    /// The same.
    pub fn validate(&self, belongs: impl Fn(usize) -> bool) -> Result<(), IndexViolation> {
        self.visit(belongs, &mut |_| ())
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
            let mut list = List::<Plausible>::EMPTY;
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
        let mut list = List::<Plausible>::EMPTY;
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

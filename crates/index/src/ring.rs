//! A ring of blocks of equal size, behind the one that stands for them in a tree.

use core::marker::PhantomData;

use snugfit_tag::Block;

use crate::guard::{self, Guard, Part, Plausible, require};
use crate::{IndexViolation, Rule};

/// Blocks of one size behind one tree node. The node is the *oldest* of them, so that newcomers leave the tree
/// alone, and the answer to a search is the *newest*, one link away.
///
/// ```text
///    ┌──▶ oldest ──▶ newest ──▶ ... ──▶ second oldest ──┐     link 0: next
///    └──────────────────────────────────────────────────┘     link 1: previous
///        (the tree node)
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ring<G = Plausible> {
    oldest: Block,
    guard: PhantomData<G>,
}

const NEXT: usize = 0;
const PREVIOUS: usize = 1;

impl<G: Guard> Ring<G> {
    /// The number of link words a ring uses; a tree keeps its own after these.
    pub const LINKS: usize = 2;

    /// Makes `block` a ring of one.
    ///
    /// # Safety
    /// - `block` is free, in no ring, and the caller owns its first two link words.
    #[inline]
    pub unsafe fn start(block: Block) {
        // SAFETY: the caller owns the links.
        unsafe {
            block.set_link(NEXT, Some(block));
            block.set_link(PREVIOUS, Some(block));
        }
    }

    /// The ring whose oldest block is `oldest`.
    ///
    /// # Safety
    /// - `oldest` was made a ring by [`start`](Self::start), or was returned by [`successor`](Self::successor) as the
    ///   new oldest, and every block that joined since is still held.
    #[inline]
    #[must_use]
    pub const unsafe fn of(oldest: Block) -> Self {
        Self { oldest, guard: PhantomData }
    }

    /// The block that joined last; the oldest itself if it is alone.
    #[inline]
    #[must_use]
    pub fn newest(self) -> Block {
        // SAFETY: `of` vouches for the ring, whose links are never `None`.
        unsafe { guard::mutual::<G>(self.oldest, NEXT, PREVIOUS) }
    }

    /// Whether there is only one.
    #[inline]
    #[must_use]
    pub fn is_alone(self) -> bool {
        // SAFETY: `of` vouches for the ring.
        unsafe { self.oldest.link(NEXT) == Some(self.oldest) }
    }

    /// Adds `block` as the newest. O(1).
    ///
    /// # Safety
    /// - `block` is free, in no ring, and the caller owns its first two link words.
    #[inline]
    pub unsafe fn push(self, block: Block) {
        let newest = self.newest();
        // SAFETY: the caller owns the links of `block`, the ring those of its members.
        unsafe {
            block.set_link(NEXT, Some(newest));
            block.set_link(PREVIOUS, Some(self.oldest));
            newest.set_link(PREVIOUS, Some(block));
            self.oldest.set_link(NEXT, Some(block));
        }
    }

    /// The block that becomes the oldest once the oldest leaves; `None` if it is alone.
    #[inline]
    #[must_use]
    pub fn successor(self) -> Option<Block> {
        // SAFETY: `of` vouches for the ring.
        let second = unsafe { guard::mutual::<G>(self.oldest, PREVIOUS, NEXT) };
        (second != self.oldest).then_some(second)
    }

    /// Takes `block` out of whatever ring it is in. O(1).
    ///
    /// # Safety
    /// - `block` is in a ring, and not alone.
    #[inline]
    pub unsafe fn unlink(block: Block) {
        // SAFETY: the caller vouches for the block.
        unsafe {
            if !Self::unlink_if(block, G::is_near) {
                Self::unlink_far(block);
            }
        }
    }

    /// [`unlink`](Self::unlink), if the neighbours pass `may_follow`, and their links lead here. Else false, with nothing
    /// changed.
    ///
    /// # Safety
    /// - As for [`unlink`](Self::unlink).
    #[inline(always)]
    unsafe fn unlink_if(block: Block, may_follow: impl Fn(Block) -> bool) -> bool {
        // SAFETY: the neighbours are in the same ring; what may be followed has two links that are readable.
        unsafe {
            let (Some(next), Some(previous)) = (block.link(NEXT), block.link(PREVIOUS)) else { return false };
            let linked = may_follow(next)
                && next.link(PREVIOUS) == Some(block)
                && may_follow(previous)
                && previous.link(NEXT) == Some(block)
                && next != block;
            if linked {
                next.set_link(PREVIOUS, Some(previous));
                previous.set_link(NEXT, Some(next));
            }
            linked
        }
    }

    /// [`unlink`](Self::unlink) where a neighbour is far away, or a link broken.
    ///
    /// # Safety
    /// - As for [`unlink`](Self::unlink).
    #[cold]
    #[inline(never)]
    unsafe fn unlink_far(block: Block) {
        // SAFETY: the caller vouches for the block.
        require::<G>(unsafe { Self::unlink_if(block, G::may_follow) }, block, Part::Link);
    }

    /// Shows every block, oldest first, and checks the links. O(n).
    ///
    /// # Errors
    /// [`Rule::Linked`] if links forward and back disagree; [`Rule::Ordered`] if the sizes differ.
    pub fn visit(self, visit: &mut dyn FnMut(Block)) -> Result<(), IndexViolation> {
        let size = self.oldest.size();
        let mut block = self.oldest;
        loop {
            visit(block);
            // SAFETY: `block` is in this ring, and so is what follows it, unless the links were overwritten.
            let (next, back) = unsafe {
                let next = block.link(NEXT).filter(|&next| G::may_follow(next));
                (next, next.and_then(|next| next.link(PREVIOUS)))
            };
            let broken = IndexViolation { rule: Rule::Linked, address: Some(block.address()) };
            let next = next.filter(|_| back == Some(block)).ok_or(broken)?;
            IndexViolation::unless(block.size() == size, Rule::Ordered, Some(block))?;
            if next == self.oldest {
                return Ok(());
            }
            block = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use snugfit_tag::{MIN_BLOCK, Tag};

    use super::*;
    use crate::test_blocks::blocks;

    fn members(ring: Ring) -> Vec<Block> {
        let mut members = Vec::new();
        assert_eq!(ring.visit(&mut |block| members.push(block)), Ok(()));
        members
    }

    #[test]
    fn the_oldest_stands_for_all_and_the_newest_is_one_link_away() {
        let mut memory = [[0; 4]; 4];
        let [oldest, second, third, newest] = blocks(&mut memory);
        // SAFETY: each block joins once, and is in the ring when it leaves.
        unsafe {
            <Ring>::start(oldest);
            let ring = <Ring>::of(oldest);
            assert_eq!((ring.newest(), ring.successor()), (oldest, None));
            [second, third, newest].into_iter().for_each(|block| ring.push(block));
            assert_eq!((ring.newest(), ring.successor()), (newest, Some(second)));
            assert_eq!(members(ring), [oldest, newest, third, second]);
            <Ring>::unlink(newest);
            assert_eq!(ring.newest(), third);
            <Ring>::unlink(oldest);
            let ring = <Ring>::of(second);
            assert_eq!((ring.newest(), ring.successor()), (third, Some(third)));
            assert_eq!(members(ring), [second, third]);
        }
    }

    #[test]
    fn damage_is_found() {
        let mut memory = [[0; 4]; 3];
        let blocks = blocks(&mut memory);
        // SAFETY: each block joins once; the words changed are links.
        unsafe {
            <Ring>::start(blocks[0]);
            let ring = <Ring>::of(blocks[0]);
            ring.push(blocks[1]);
            ring.push(blocks[2]);
            blocks[1].set_tag(Tag::free(48));
            assert_eq!(ring.visit(&mut |_| ()).map_err(|violation| violation.rule), Err(Rule::Ordered));
            blocks[1].set_tag(Tag::free(MIN_BLOCK));
            blocks[1].set_link(PREVIOUS, Some(blocks[1]));
            assert_eq!(ring.visit(&mut |_| ()).map_err(|violation| violation.rule), Err(Rule::Linked));
            // Zeros, as a program leaves them that clears what it has freed.
            blocks[1].set_link(PREVIOUS, None);
            assert_eq!(ring.visit(&mut |_| ()).map_err(|violation| violation.rule), Err(Rule::Linked));
            blocks[2].set_link(NEXT, None);
            assert_eq!(ring.visit(&mut |_| ()).map_err(|violation| violation.rule), Err(Rule::Linked));
        }
    }
}

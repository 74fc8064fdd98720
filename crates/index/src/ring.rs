//! A ring of blocks of equal size, behind the one that stands for them in a tree.

use snugfit_tag::Block;

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
pub struct Ring {
    oldest: Block,
}

const NEXT: usize = 0;
const PREVIOUS: usize = 1;

impl Ring {
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
        Self { oldest }
    }

    /// The neighbour of `block` by link word `number`.
    ///
    /// # Safety
    /// - `block` is in a ring.
    #[inline]
    unsafe fn neighbour(block: Block, number: usize) -> Block {
        // SAFETY: the caller vouches for the ring, whose links are never `None`.
        unsafe { block.link(number).unwrap_unchecked() }
    }

    /// The block that joined last; the oldest itself if it is alone.
    #[inline]
    #[must_use]
    pub fn newest(self) -> Block {
        // SAFETY: `of` vouches for the ring.
        unsafe { Self::neighbour(self.oldest, NEXT) }
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
        let second = unsafe { Self::neighbour(self.oldest, PREVIOUS) };
        (second != self.oldest).then_some(second)
    }

    /// Takes `block` out of whatever ring it is in. O(1).
    ///
    /// # Safety
    /// - `block` is in a ring.
    #[inline]
    pub unsafe fn unlink(block: Block) {
        // SAFETY: the neighbours are in the same ring.
        unsafe {
            let (next, previous) = (Self::neighbour(block, NEXT), Self::neighbour(block, PREVIOUS));
            next.set_link(PREVIOUS, Some(previous));
            previous.set_link(NEXT, Some(next));
        }
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
                let next = block.link(NEXT);
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
            Ring::start(oldest);
            let ring = Ring::of(oldest);
            assert_eq!((ring.newest(), ring.successor()), (oldest, None));
            [second, third, newest].into_iter().for_each(|block| ring.push(block));
            assert_eq!((ring.newest(), ring.successor()), (newest, Some(second)));
            assert_eq!(members(ring), [oldest, newest, third, second]);
            Ring::unlink(newest);
            assert_eq!(ring.newest(), third);
            Ring::unlink(oldest);
            let ring = Ring::of(second);
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
            Ring::start(blocks[0]);
            let ring = Ring::of(blocks[0]);
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

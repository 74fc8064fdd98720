//! The tree, and two lists for what is too small for it, as one free index.

use snugfit_index::{FreeIndex, Guard, IndexViolation, List, Part, Plausible};
use snugfit_tag::{Block, GRANULE, MIN_BLOCK};

use crate::node::MIN_NODE;
use crate::tree::Tree;

/// The sizes below a node's: 32 and 48.
const SMALL_SIZES: usize = (MIN_NODE - MIN_BLOCK) / GRANULE;

/// Free blocks in a balanced tree by size; see the crate's documentation.
#[derive(Debug)]
pub struct GuardedTree<G> {
    /// List `n` holds the blocks of `MIN_BLOCK + n * GRANULE` bytes.
    small: [List<G>; SMALL_SIZES],
    pub(crate) tree: Tree<G>,
}

/// [`GuardedTree`] for whoever does not know where its memory is.
pub type TreeIndex = GuardedTree<Plausible>;

/// The list for blocks of `size` bytes, or for requests of that size; not below `SMALL_SIZES` if the tree is meant.
#[inline]
const fn list_for(size: usize) -> usize {
    size.saturating_sub(MIN_BLOCK).div_ceil(GRANULE)
}

// SAFETY: each block is in the list of its size or in the tree, linked through words that a block of its size has; the
// tags read are those of nodes in the tree. Lists come before the tree and in order of size, lists and rings give
// the newest: an exact best fit.
unsafe impl<G: Guard> FreeIndex for GuardedTree<G> {
    const EMPTY: Self = Self { small: [List::EMPTY; SMALL_SIZES], tree: Tree::EMPTY };

    #[inline]
    unsafe fn insert(&mut self, block: Block, size: usize) {
        match self.small.get_mut(list_for(size)) {
            // SAFETY: the caller gives us the block, links included.
            Some(list) => unsafe { list.push(block) },
            // SAFETY: likewise, and the size is that of a node.
            None => unsafe { self.tree.insert(block, size) },
        }
    }

    #[inline]
    unsafe fn remove(&mut self, block: Block, size: usize) {
        match self.small.get_mut(list_for(size)) {
            // SAFETY: the block was inserted with this size, hence into this list.
            Some(list) => unsafe { list.unlink(block) },
            // SAFETY: likewise, hence into the tree.
            None => unsafe { self.tree.remove(block) },
        }
    }

    #[inline]
    fn find(&self, size: usize) -> Option<Block> {
        let small = self.small.iter().skip(list_for(size)).find_map(List::newest);
        small.or_else(|| self.tree.find(size))
    }

    #[inline]
    fn take(&mut self, size: usize) -> Option<(Block, usize)> {
        for (list, size) in self.small.iter_mut().zip((MIN_BLOCK..).step_by(GRANULE)).skip(list_for(size)) {
            if let Some(block) = list.pop() {
                return Some((block, size));
            }
        }
        self.tree.take(size)
    }

    fn for_each(&self, visit: &mut dyn FnMut(Block)) {
        self.small.iter().flat_map(List::iter).for_each(&mut *visit);
        self.tree.for_each(visit);
    }

    fn is_empty(&self) -> bool {
        self.tree.root.is_none() && self.small.iter().all(|list| list.newest().is_none())
    }

    fn broken(block: usize, part: Part) -> ! {
        G::broken(block, part)
    }

    fn validate(&self) -> Result<(), IndexViolation> {
        for (number, list) in self.small.iter().enumerate() {
            list.validate(|size| size == MIN_BLOCK + number * GRANULE)?;
        }
        self.tree.validate()
    }
}

//! The tree itself: searching and walking.

use snugfit_index::{Guard, Ring};
use snugfit_tag::{Block, GRANULE, MAX_BLOCK};

use crate::node::{Node, Side};

/// No node is deeper: the rank of the root is no more than twice the bits of the number of sizes there are.
pub(crate) const MOST_DEEP: usize = 2 * (MAX_BLOCK / GRANULE).ilog2() as usize + 2;

/// A weak AVL tree of the distinct sizes, with a ring of equals behind each node. `insert.rs` and `remove.rs` keep
/// it in balance.
#[derive(Debug)]
pub(crate) struct Tree<G> {
    pub(crate) root: Option<Node<G>>,
}

impl<G: Guard> Tree<G> {
    pub(crate) const EMPTY: Self = Self { root: None };

    /// The node of the smallest size that is enough, and that size.
    ///
    /// Reads tag and one child link of each node on the way, which share a cache line in a block aligned to 64, and
    /// branches only on what can be predicted.
    #[inline]
    fn best(&self, size: usize) -> Option<(Node<G>, usize)> {
        let (mut best, mut best_size) = (None, 0);
        let mut next = self.root;
        let mut depth = 0;
        while let Some(node) = next {
            node.require(depth < MOST_DEEP);
            depth += 1;
            let found = node.size();
            if found >= size {
                (best, best_size) = (Some(node), found);
            }
            if found == size {
                break;
            }
            next = node.free_child(Side::right_if(found < size));
        }
        best.map(|node| (node, best_size))
    }

    /// The best fit: the newest block of the smallest size that is enough.
    #[inline]
    pub(crate) fn find(&self, size: usize) -> Option<Block> {
        self.best(size).map(|(node, _)| node.ring().newest())
    }

    /// Finds the best fit and takes it out, with its size.
    #[inline]
    pub(crate) fn take(&mut self, size: usize) -> Option<(Block, usize)> {
        let (node, found) = self.best(size)?;
        let newest = node.ring().newest();
        if newest == node.block() {
            self.detach(node);
        } else {
            // SAFETY: the newest is in the ring; as it is not the oldest, it is not in the tree.
            unsafe { Ring::<G>::unlink(newest) };
        }
        Some((newest, found))
    }

    /// Shows every block once, by size, and of each size the oldest first.
    pub(crate) fn for_each(&self, visit: &mut dyn FnMut(Block)) {
        let mut next = self.root.map(|root| root.outermost(Side::Left));
        while let Some(node) = next {
            node.require(node.ring().visit(visit).is_ok());
            next = following(node);
        }
    }
}

/// The node of the next larger size: the first of the right subtree, else the first ancestor from whose left side we
/// come.
fn following<G: Guard>(node: Node<G>) -> Option<Node<G>> {
    if let Some(right) = node.child_of_mine(Side::Right) {
        return Some(right.outermost(Side::Left));
    }
    let mut node = node;
    while let Some(parent) = node.parent() {
        if parent.side_of(node) == Side::Left {
            return Some(parent);
        }
        node = parent;
    }
    None
}

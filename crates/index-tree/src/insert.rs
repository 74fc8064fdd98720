//! Insertion.
//!
//! A new node is a leaf of rank 0. If its parent was a leaf too, it has the rank of its parent, against the first
//! rule: a promotion of the parent helps, and may move the same trouble up by one. Where the parent cannot be promoted
//! because the other child would be three below it, a rotation or two end the matter.

use snugfit_index::Guard;
use snugfit_tag::Block;

use crate::node::{Node, Side};
use crate::tree::{MOST_DEEP, Tree};

impl<G: Guard> Tree<G> {
    /// Puts in `block` of `size` bytes.
    ///
    /// # Safety
    /// - As for `FreeIndex::insert`; `size` is at least [`MIN_NODE`](crate::node::MIN_NODE).
    #[inline]
    pub(crate) unsafe fn insert(&mut self, block: Block, size: usize) {
        // SAFETY: the block is large enough, and is being put in.
        let new = unsafe { Node::of(block) };
        let Some(mut node) = self.root else {
            new.start();
            new.set_parent(None);
            self.root = Some(new);
            return;
        };
        let mut depth = 0;
        loop {
            node.require(depth < MOST_DEEP);
            depth += 1;
            let found = node.size();
            if found == size {
                return join(node, new);
            }
            let side = Side::right_if(found < size);
            match node.free_child(side) {
                Some(child) => node = child,
                None => return self.attach(node, side, new),
            }
        }
    }

    /// Hangs `new` below `parent`, where nothing is on `side`.
    fn attach(&mut self, parent: Node<G>, side: Side, new: Node<G>) {
        new.start();
        new.set_parent(Some(parent));
        parent.set_child(side, Some(new));
        self.balance_after_insertion(new);
    }

    /// Restores the first rule, broken at most between `node` and its parent: both may have the same rank.
    fn balance_after_insertion(&mut self, mut node: Node<G>) {
        while let Some(parent) = node.parent() {
            if parent.rank() != node.rank() {
                return;
            }
            let side = parent.side_of(node);
            if parent.rank_difference(side.opposite()) == 2 {
                return self.rotate_after_insertion(parent, node, side);
            }
            parent.promote(1);
            node = parent;
        }
    }

    /// Where `node` has the rank of its parent, and its sibling is two below. The numbers are ranks.
    ///
    /// ```text
    ///          parent r               node r             parent r               inner r
    ///         ╱      ╲               ╱      ╲            ╱      ╲              ╱       ╲
    ///      node r    r-2    ──▶   r-1   parent r-1    node r    r-2   ──▶  node r-1   parent r-1
    ///     ╱     ╲                        ╱     ╲     ╱    ╲
    ///   r-1   inner r-2               r-2      r-2  r-2  inner r-1
    /// ```
    fn rotate_after_insertion(&mut self, parent: Node<G>, node: Node<G>, side: Side) {
        parent.promote(-1);
        let inner = node.child_of_mine(side.opposite());
        match inner.filter(|&inner| node.rank_above(Some(inner)) == 1) {
            None => self.rotate(parent, node, side),
            Some(inner) => {
                node.promote(-1);
                inner.promote(1);
                self.rotate(node, inner, side.opposite());
                self.rotate(parent, inner, side);
            }
        }
    }
}

/// Adds a block to the ring of a node of its size. The tree does not change.
#[inline]
fn join<G: Guard>(node: Node<G>, new: Node<G>) {
    // SAFETY: the new block is in no ring yet, and its links are ours.
    unsafe { node.ring().push(new.block()) };
    // What tells it from a node: see `Tree::remove`.
    new.set_parent(None);
}

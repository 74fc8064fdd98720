//! Removal.
//!
//! A node with two children first gives its place to the next smaller one, which has at most one; so what goes is
//! always a node with one child or none. Its parent may then be three above what is left there, or a leaf of rank 1.
//! A demotion helps, and may move the same trouble up by one; where it cannot, a rotation or two end the matter.
//!
//! It is the next *smaller* node because a search that ended between the two has just been there: it is in the cache.

use snugfit_index::{Guard, Ring};
use snugfit_tag::Block;

use crate::node::{Node, Side};
use crate::tree::Tree;

impl<G: Guard> Tree<G> {
    /// Takes `block` out, without a search.
    ///
    /// # Safety
    /// - `block` is in this tree, or in a ring behind one of its nodes.
    #[inline]
    pub(crate) unsafe fn remove(&mut self, block: Block) {
        // SAFETY: a block that was put in is large enough, and is being taken out.
        let node = unsafe { Node::of(block) };
        // Only a node has a parent, but for the root, which we know.
        if node.parent().is_none() && self.root != Some(node) {
            // SAFETY: what is not a node is in a ring.
            return unsafe { Ring::<G>::unlink(block) };
        }
        match node.ring().successor() {
            None => self.detach(node),
            Some(successor) => {
                // SAFETY: every node is in its ring, and every member of the ring is as large.
                unsafe { Ring::<G>::unlink(block) };
                // SAFETY: as above.
                self.substitute(node, unsafe { Node::of(successor) });
            }
        }
    }

    /// Takes out a node behind which there is nobody else.
    pub(crate) fn detach(&mut self, node: Node<G>) {
        let (left, right) = (node.child_of_mine(Side::Left), node.child_of_mine(Side::Right));
        match (left, right) {
            (Some(left), Some(_)) => self.detach_inner(node, left.outermost(Side::Right)),
            (child, None) | (None, child) => {
                let parent = node.parent();
                let side = parent.map_or(Side::Left, |parent| parent.side_of(node));
                self.replace(node, child);
                self.balance_after_removal(parent, side);
            }
        }
    }

    /// Takes out a node with two children; `heir`, the next smaller node, takes its place.
    fn detach_inner(&mut self, node: Node<G>, heir: Node<G>) {
        let parent = heir.parent().filter(|&parent| parent != node);
        // Where the heir is missing now: at the right of its parent, or to the left of where it has moved.
        let (parent, side) = parent.map_or((heir, Side::Left), |parent| (parent, Side::Right));
        self.replace(heir, heir.child_of_mine(Side::Left));
        self.substitute(node, heir);
        self.balance_after_removal(Some(parent), side);
    }

    /// Restores the rules, broken at most at `parent`, whose subtree on `side` has lost one rank.
    fn balance_after_removal(&mut self, parent: Option<Node<G>>, mut side: Side) {
        let mut next = parent;
        while let Some(parent) = next {
            if parent.is_leaf() {
                // The second rule.
                if parent.rank() == 0 {
                    return;
                }
            } else {
                // The first rule.
                if parent.rank_difference(side) <= 2 {
                    return;
                }
                if parent.rank_difference(side.opposite()) == 1 && !self.demote_sibling(parent, side) {
                    return;
                }
            }
            parent.promote(-1);
            next = parent.parent();
            side = next.map_or(side, |next| next.side_of(parent));
        }
    }

    /// Where `parent` is three above its child on `side` and one above the other, the sibling. If the sibling can be
    /// demoted, so can the parent, and that is left to the caller; otherwise rotates, which ends the matter, and
    /// returns false.
    fn demote_sibling(&mut self, parent: Node<G>, side: Side) -> bool {
        let Some(sibling) = parent.child_of_mine(side.opposite()) else {
            // A missing child has the least rank, so it is not one below a parent that is three above the other.
            return false;
        };
        let outer_is_close = sibling.rank_difference(side.opposite()) == 1;
        match sibling.child_of_mine(side).filter(|&inner| sibling.rank_above(Some(inner)) == 1) {
            _ if outer_is_close => self.rotate_once(parent, sibling, side),
            Some(inner) => self.rotate_twice(parent, sibling, inner, side),
            None => {
                sibling.promote(-1);
                return true;
            }
        }
        false
    }

    /// Where the outer child of the sibling is one below it. The numbers are ranks; the child on `side` is left here.
    ///
    /// ```text
    ///       parent r                          sibling r
    ///      ╱        ╲                        ╱         ╲
    ///    r-3      sibling r-1      ──▶    parent r-1   r-2
    ///             ╱      ╲               ╱      ╲
    ///          inner     r-2           r-3     inner
    /// ```
    fn rotate_once(&mut self, parent: Node<G>, sibling: Node<G>, side: Side) {
        self.rotate(parent, sibling, side.opposite());
        sibling.promote(1);
        // The second rule: a leaf has rank 0, and this one had rank 2 before.
        parent.promote(if parent.is_leaf() { -2 } else { -1 });
    }

    /// Where only the inner child of the sibling is one below it.
    ///
    /// ```text
    ///       parent r                               inner r
    ///      ╱        ╲                             ╱       ╲
    ///    r-3       sibling r-1      ──▶    parent r-2     sibling r-2
    ///              ╱       ╲                ╱      ╲        ╱      ╲
    ///         inner r-2    r-3            r-3                      r-3
    /// ```
    fn rotate_twice(&mut self, parent: Node<G>, sibling: Node<G>, inner: Node<G>, side: Side) {
        self.rotate(sibling, inner, side);
        self.rotate(parent, inner, side.opposite());
        inner.promote(2);
        sibling.promote(-1);
        parent.promote(-2);
    }
}

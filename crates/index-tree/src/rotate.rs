//! Changing places: the three moves from which everything else is made.

use snugfit_index::Guard;

use crate::node::{Node, Side};
use crate::tree::Tree;

impl<G: Guard> Tree<G> {
    /// Makes whatever pointed down to `old`, its parent or the root, point to `new` instead, and `new` back up. The
    /// links of `old` stay as they are.
    #[inline]
    pub(crate) fn replace(&mut self, old: Node<G>, new: Option<Node<G>>) {
        let parent = old.parent();
        old.require(parent.is_none() == (self.root == Some(old)));
        match parent {
            Some(parent) => parent.set_child(parent.side_of(old), new),
            None => self.root = new,
        }
        if let Some(new) = new {
            new.set_parent(parent);
        }
    }

    /// Puts `new`, which is not in the tree, where `old` is, with its children and rank. `old` is out afterwards.
    pub(crate) fn substitute(&mut self, old: Node<G>, new: Node<G>) {
        self.replace(old, Some(new));
        for side in [Side::Left, Side::Right] {
            let child = old.child_of_mine(side);
            new.set_child(side, child);
            if let Some(child) = child {
                child.set_parent(Some(new));
            }
        }
        new.set_rank(old.rank());
    }

    /// Rotates `node`, the child of `parent` on `side`, into its parent's place. Ranks are left to the caller.
    ///
    /// ```text
    ///           parent                      node
    ///          ╱      ╲                    ╱    ╲
    ///       node      (c)      ──▶       (a)    parent
    ///      ╱    ╲                              ╱      ╲
    ///    (a)   inner                        inner     (c)
    /// ```
    pub(crate) fn rotate(&mut self, parent: Node<G>, node: Node<G>, side: Side) {
        let inner = node.child_of_mine(side.opposite());
        self.replace(parent, Some(node));
        parent.set_child(side, inner);
        if let Some(inner) = inner {
            inner.set_parent(Some(parent));
        }
        node.set_child(side.opposite(), Some(parent));
        parent.set_parent(Some(node));
    }
}

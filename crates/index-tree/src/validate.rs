//! The rules, checked.

use snugfit_index::{Guard, IndexViolation, Rule};
use snugfit_tag::{GRANULE, MAX_BLOCK};

use crate::node::{MIN_NODE, Node, Side};
use crate::tree::{MOST_DEEP, Tree};

/// No tree has a higher rank.
const MAX_RANK: isize = MOST_DEEP as isize;

impl<G: Guard> Tree<G> {
    /// Checks order, balance, links and rings. O(n).
    pub(crate) fn validate(&self) -> Result<(), IndexViolation> {
        let Some(root) = self.root else {
            return Ok(());
        };
        let block = Some(root.block());
        IndexViolation::unless(root.is_root(), Rule::Linked, block)?;
        IndexViolation::unless(root.rank() <= MAX_RANK, Rule::Balanced, block)?;
        check(root, MIN_NODE, MAX_BLOCK)
    }
}

/// Checks the subtree at `node`, whose sizes lie from `low` to `high`. The depth of the recursion is bounded even in
/// a broken tree: the rank of the root is, and it falls with every step.
fn check<G: Guard>(node: Node<G>, low: usize, high: usize) -> Result<(), IndexViolation> {
    let (size, block) = (node.size(), Some(node.block()));
    IndexViolation::unless(low <= size && size <= high, Rule::Ordered, block)?;
    IndexViolation::unless(!node.is_leaf() || node.rank() == 0, Rule::Balanced, block)?;
    check_ring(node)?;
    for (side, low, high) in [(Side::Left, low, size - GRANULE), (Side::Right, size + GRANULE, high)] {
        let child = node.sound_child(side)?;
        let balanced = matches!(node.rank_above(child), 1 | 2);
        IndexViolation::unless(balanced, Rule::Balanced, block)?;
        if let Some(child) = child {
            check(child, low, high)?;
        }
    }
    Ok(())
}

/// Checks the ring behind `node`, and that none of the others there looks like a node.
fn check_ring<G: Guard>(node: Node<G>) -> Result<(), IndexViolation> {
    let mut impostor = None;
    node.ring().visit(&mut |block| {
        // SAFETY: the block is in the ring of a node, so it is in the index, and as large.
        let other: Node<G> = unsafe { Node::of(block) };
        if other != node && !other.is_root() {
            impostor = Some(block);
        }
    })?;
    IndexViolation::unless(impostor.is_none(), Rule::Linked, impostor)
}

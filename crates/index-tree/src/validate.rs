//! The rules, checked.

use snugfit_index::{IndexViolation, Rule};
use snugfit_tag::{GRANULE, MAX_BLOCK};

use crate::node::{MIN_NODE, Node, Side};
use crate::tree::Tree;

/// No tree has a higher rank: twice the bits of the number of sizes there are.
const MAX_RANK: isize = 2 * (MAX_BLOCK / GRANULE).ilog2() as isize + 2;

impl Tree {
    /// Checks order, balance, links and rings. O(n).
    pub(crate) fn validate(&self) -> Result<(), IndexViolation> {
        let Some(root) = self.root else {
            return Ok(());
        };
        let block = Some(root.block());
        IndexViolation::unless(root.parent().is_none(), Rule::Linked, block)?;
        IndexViolation::unless(root.rank() <= MAX_RANK, Rule::Balanced, block)?;
        check(root, MIN_NODE, MAX_BLOCK)
    }
}

/// Checks the subtree at `node`, whose sizes lie from `low` to `high`. The depth of the recursion is bounded even in
/// a broken tree: the rank of the root is, and it falls with every step.
fn check(node: Node, low: usize, high: usize) -> Result<(), IndexViolation> {
    let (size, block) = (node.size(), Some(node.block()));
    IndexViolation::unless(low <= size && size <= high, Rule::Ordered, block)?;
    IndexViolation::unless(!node.is_leaf() || node.rank() == 0, Rule::Balanced, block)?;
    check_ring(node)?;
    for (side, low, high) in [(Side::Left, low, size - GRANULE), (Side::Right, size + GRANULE, high)] {
        let balanced = matches!(node.rank_difference(side), 1 | 2);
        IndexViolation::unless(balanced, Rule::Balanced, block)?;
        if let Some(child) = node.child(side) {
            IndexViolation::unless(child.parent() == Some(node), Rule::Linked, Some(child.block()))?;
            check(child, low, high)?;
        }
    }
    Ok(())
}

/// Checks the ring behind `node`, and that none of the others there looks like a node.
fn check_ring(node: Node) -> Result<(), IndexViolation> {
    let mut impostor = None;
    node.ring().visit(&mut |block| {
        // SAFETY: the block is in the ring of a node, so it is in the index, and as large.
        let other = unsafe { Node::of(block) };
        if other != node && other.parent().is_some() {
            impostor = Some(block);
        }
    })?;
    IndexViolation::unless(impostor.is_none(), Rule::Linked, impostor)
}

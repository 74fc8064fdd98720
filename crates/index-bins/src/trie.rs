//! A bitwise trie of blocks whose sizes share their upper bits.
//!
//! Every node holds a block; a node at depth `d` shares its first `d` bits below the common ones with everything
//! under it, and the next bit says under which child a size belongs. So any leaf may take the place of any node above
//! it, and nothing is ever rebalanced: the depth is bounded by the number of bits. Smaller sizes lie to the left of
//! larger ones, but a node itself may be anywhere in the range of its subtree.
//!
//! ```text
//!  bits below the common ones, e.g. 3:         101
//!                                         0 ╱     ╲ 1
//!                                        010       110
//!                                      0 ╱           ╲ 1
//!                                      001           111
//! ```

use core::hint::select_unpredictable;

use snugfit_index::guard::{self, Guard, Part, require};
use snugfit_index::{IndexViolation, Ring, Rule};
use snugfit_tag::Block;

const CHILDREN: usize = <Ring>::LINKS;
const PARENT: usize = CHILDREN + 2;

/// Where a trie begins: the highest bit in which sizes of this trie may differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) top_bit: u32,
}

/// The child of `node` for a size whose bit is `bit`, as the link says: not to be followed.
///
/// # Safety
/// - `node` is in a trie.
#[inline]
unsafe fn link_to_child(node: Block, bit: usize) -> Option<Block> {
    // SAFETY: nodes are at least 8 KiB large and their links are ours.
    unsafe { node.link(CHILDREN + bit) }
}

/// The child of `node` for a size whose bit is `bit`: a free block, wherever it is.
///
/// # Safety
/// - `node` is in a trie.
#[inline]
unsafe fn child<G: Guard>(node: Block, bit: usize) -> Option<Block> {
    // SAFETY: as above.
    unsafe { guard::follow::<G>(node, CHILDREN + bit) }
}

/// A child of `node`, the left one if there are two.
///
/// # Safety
/// - `node` is in a trie.
#[inline]
unsafe fn first_child<G: Guard>(node: Block) -> Option<Block> {
    // SAFETY: as above.
    unsafe {
        let side = usize::from(link_to_child(node, 0).is_none());
        child::<G>(node, side)
    }
}

/// A trie is no deeper than that: a path that is longer goes in circles.
const MOST_DEEP: u32 = u32::BITS;

#[inline]
const fn bit_of(size: usize, bit: u32) -> usize {
    size >> bit & 1
}

/// Adds `block` of `size` bytes to the trie at `root`.
///
/// # Safety
/// - `root` is a trie of `span`, and `size` belongs to it; the block's payload is ours to write.
pub(crate) unsafe fn insert<G: Guard>(root: &mut Option<Block>, span: Span, block: Block, size: usize) {
    // SAFETY: every block reached is in this trie, so its links are ours, as are those of `block`.
    unsafe {
        let Some(mut node) = *root else {
            *root = Some(block);
            return start::<G>(block, block);
        };
        let mut bit = span.top_bit;
        while node.size() != size {
            // After the last bit the sizes are equal, and the loop has ended, unless something was overwritten.
            require::<G>(bit <= span.top_bit, node, Part::Link);
            let side = bit_of(size, bit);
            match child::<G>(node, side) {
                Some(next) => node = next,
                None => {
                    node.set_link(CHILDREN + side, Some(block));
                    return start::<G>(block, node);
                }
            }
            bit = bit.wrapping_sub(1);
        }
        Ring::<G>::of(node).push(block);
        block.set_link(PARENT, None);
    }
}

/// Makes `block` a leaf under `parent`; the root is its own parent, and a block behind a node has none.
///
/// # Safety
/// - The block's payload is ours to write.
pub(crate) unsafe fn start<G: Guard>(block: Block, parent: Block) {
    // SAFETY: the caller vouches for the links.
    unsafe {
        Ring::<G>::start(block);
        block.set_link(CHILDREN, None);
        block.set_link(CHILDREN + 1, None);
        block.set_link(PARENT, Some(parent));
    }
}

/// Whether `block` is all that its trie holds.
///
/// # Safety
/// - `block` is in a trie.
#[inline]
pub(crate) unsafe fn is_alone<G: Guard>(block: Block) -> bool {
    // SAFETY: the caller vouches for the trie. A root is the oldest of its ring.
    unsafe {
        block.link(PARENT) == Some(block)
            && link_to_child(block, 0).is_none()
            && link_to_child(block, 1).is_none()
            && Ring::<G>::of(block).is_alone()
    }
}

/// Takes `block` out of the trie at `root`.
///
/// # Safety
/// - `block` is in that trie.
pub(crate) unsafe fn remove<G: Guard>(root: &mut Option<Block>, block: Block) {
    // SAFETY: every block reached is in this trie.
    unsafe {
        if block.link(PARENT).is_none() {
            return Ring::<G>::unlink(block);
        }
        let heir = Ring::<G>::of(block).successor();
        if heir.is_some() {
            Ring::<G>::unlink(block);
            adopt_children::<G>(block, heir);
        } else if let Some(leaf) = some_leaf_below::<G>(block) {
            replace::<G>(root, leaf, None);
            adopt_children::<G>(block, Some(leaf));
            return replace::<G>(root, block, Some(leaf));
        }
        replace::<G>(root, block, heir);
    }
}

/// Any leaf below `node`; `None` if `node` is one.
///
/// # Safety
/// - `node` is in a trie.
unsafe fn some_leaf_below<G: Guard>(node: Block) -> Option<Block> {
    let mut leaf = None;
    let mut here = node;
    let mut depth = 0;
    // Left first: a search that has just found `node` as the smallest of a subtree has been there already.
    // SAFETY: every block reached is in the trie.
    while let Some(next) = unsafe { first_child::<G>(here) } {
        require::<G>(depth < MOST_DEEP, here, Part::Link);
        depth += 1;
        leaf = Some(next);
        here = next;
    }
    leaf
}

/// Gives the children of `node` to `heir`.
///
/// # Safety
/// - `node` is in a trie; `heir` is in none, or behind that node.
unsafe fn adopt_children<G: Guard>(node: Block, heir: Option<Block>) {
    let Some(heir) = heir else { return };
    for side in 0..2 {
        // SAFETY: the children are in the trie; the links of the heir are ours.
        unsafe {
            let child = guard::follow_mutual::<G>(node, CHILDREN + side, PARENT);
            heir.set_link(CHILDREN + side, child);
            if let Some(child) = child {
                child.set_link(PARENT, Some(heir));
            }
        }
    }
}

/// Lets whatever points down to `node` point to `heir`.
///
/// # Safety
/// - `node` is a node of the trie at `root`; `heir` has the children it is to have.
unsafe fn replace<G: Guard>(root: &mut Option<Block>, node: Block, heir: Option<Block>) {
    // SAFETY: a node's parent is a node, or itself at the root.
    unsafe {
        let is_root = *root == Some(node);
        let parent = guard::follow::<G>(node, PARENT).unwrap_or(node);
        require::<G>(is_root == (parent == node), node, Part::Link);
        if is_root {
            *root = heir;
        } else {
            let side = usize::from(link_to_child(parent, 1) == Some(node));
            require::<G>(link_to_child(parent, side) == Some(node), node, Part::Link);
            parent.set_link(CHILDREN + side, heir);
        }
        if let Some(heir) = heir {
            heir.set_link(PARENT, Some(if is_root { heir } else { parent }));
        }
    }
}

/// The smaller of two nodes, if there are two.
#[inline]
fn smaller(best: Option<Block>, node: Block) -> Option<Block> {
    match best {
        Some(best) if best.size() <= node.size() => Some(best),
        _ => Some(node),
    }
}

/// The node of the smallest size under `node`: it lies on the leftmost path.
///
/// # Safety
/// - `node` is in a trie.
pub(crate) unsafe fn smallest<G: Guard>(node: Block) -> Block {
    let mut best = node;
    let mut here = node;
    let mut depth = 0;
    // SAFETY: every block reached is in the trie.
    while let Some(next) = unsafe { first_child::<G>(here) } {
        require::<G>(depth < MOST_DEEP, here, Part::Link);
        depth += 1;
        if next.size() < best.size() {
            best = next;
        }
        here = next;
    }
    best
}

/// The node of the smallest size of at least `size`, which belongs to the trie at `root`.
///
/// Either it lies on the path of `size`, or it is the smallest to the right of where that path last turned left.
///
/// # Safety
/// - `root` is a trie of `span`.
pub(crate) unsafe fn find<G: Guard>(root: Block, span: Span, size: usize) -> Option<Block> {
    let (mut best, mut best_size) = (None, usize::MAX);
    // Of the node where the path has last turned left; its right child is not looked at before it is known to be needed.
    let mut turned = None;
    let mut here = Some(root);
    let mut bit = span.top_bit;
    // SAFETY: every block reached is in the trie.
    unsafe {
        while let Some(node) = here {
            let found = node.size();
            if found == size {
                return Some(node);
            }
            // Which way a search goes no processor can predict, so nothing here is a branch.
            let is_better = found > size && found < best_size;
            best = select_unpredictable(is_better, Some(node), best);
            best_size = select_unpredictable(is_better, found, best_size);
            let side = bit_of(size, bit);
            let has_larger = side == 0 && link_to_child(node, 1).is_some();
            turned = select_unpredictable(has_larger, Some(node), turned);
            here = child::<G>(node, side);
            // Wraps only after the last bit, where no child is left, unless something was overwritten.
            require::<G>(bit > 0 || here.is_none(), node, Part::Link);
            bit = bit.wrapping_sub(1) & 63;
        }
        match turned.and_then(|node| child::<G>(node, 1)) {
            Some(subtree) => smaller(best, smallest::<G>(subtree)),
            None => best,
        }
    }
}

/// Shows every block at and under `node`. The recursion is as deep as the trie: 25 levels at most.
///
/// # Errors
/// If links disagree, or a block lies under the wrong child: `prefix` is what the sizes share, `below` how many bits
/// they do not.
///
/// # Safety
/// - `node` is in a trie.
pub(crate) unsafe fn visit<G: Guard>(
    node: Block,
    prefix: usize,
    below: u32,
    see: &mut dyn FnMut(Block),
) -> Result<(), IndexViolation> {
    IndexViolation::unless(node.size() >> below == prefix, Rule::Ordered, Some(node))?;
    // SAFETY: every block reached is in the trie.
    unsafe {
        Ring::<G>::of(node).visit(see)?;
        for side in 0..2 {
            if let Some(child) = link_to_child(node, side) {
                let is_linked = G::may_follow(child) && child.link(PARENT) == Some(node);
                IndexViolation::unless(is_linked, Rule::Linked, Some(node))?;
                IndexViolation::unless(below > 0, Rule::Ordered, Some(child))?;
                visit::<G>(child, prefix << 1 | side, below - 1, see)?;
            }
        }
    }
    Ok(())
}

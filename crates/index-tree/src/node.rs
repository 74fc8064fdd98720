//! A block seen as a node of the tree.

use core::marker::PhantomData;

use snugfit_index::guard::{self, Guard, Part, require};
use snugfit_index::{IndexViolation, Ring, Rule};
use snugfit_tag::{Block, FOOTER, HEADER};

/// The words of a node, after the two of its ring.
const CHILDREN: usize = <Ring>::LINKS;
const PARENT: usize = CHILDREN + 2;
const RANK: usize = PARENT + 1;
const WORDS: usize = RANK + 1;

/// The smallest block that is large enough to be a node.
pub(crate) const MIN_NODE: usize = HEADER + WORDS * size_of::<usize>() + FOOTER;

/// The rank of a node that is not there.
const MISSING: isize = -1;

/// Left holds the smaller sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Side {
    Left = 0,
    Right = 1,
}

impl Side {
    /// Right if `right`. Without a branch, which no processor could predict in a search.
    #[inline]
    pub(crate) const fn right_if(right: bool) -> Self {
        if right { Self::Right } else { Self::Left }
    }

    #[inline]
    pub(crate) const fn opposite(self) -> Self {
        Self::right_if(matches!(self, Self::Left))
    }
}

/// A block of at least [`MIN_NODE`] bytes whose payload belongs to the tree.
///
/// ```text
///  header │ ring next │ ring previous │ left │ right │ parent │ rank │ ... │ footer
///           0           1               2      3       4        5
/// ```
///
/// A node made of a block keeps, like the block, a promise made at [`of`](Self::of): so its words can be read and
/// written safely. A block that is in a ring but is not the oldest there has no place in the tree; of its words past
/// the ring only the parent means anything, and is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Node<G>(Block, PhantomData<G>);

impl<G: Guard> Node<G> {
    /// The node in `block`.
    ///
    /// # Safety
    /// - For as long as the node or a copy is used, `block` is at least [`MIN_NODE`] bytes long and in the index, or
    ///   being put in or taken out: its payload up to the footer is the index's.
    #[inline]
    pub(crate) const unsafe fn of(block: Block) -> Self {
        Self(block, PhantomData)
    }

    /// Makes this a leaf and a ring of one. The parent is left to the caller.
    #[inline]
    pub(crate) fn start(self) {
        // SAFETY: `of` vouches for the words, and the block is in no ring yet.
        unsafe { Ring::<G>::start(self.0) };
        self.set_child(Side::Left, None);
        self.set_child(Side::Right, None);
        self.set_rank(0);
    }

    #[inline]
    pub(crate) const fn block(self) -> Block {
        self.0
    }

    /// The size that the tag states: only for nodes in the tree.
    #[inline]
    pub(crate) fn size(self) -> usize {
        self.0.size()
    }

    /// The ring of blocks of this size. Only for nodes in the tree: the oldest of their rings.
    #[inline]
    pub(crate) const fn ring(self) -> Ring<G> {
        // SAFETY: `start` made this a ring, or it succeeded the oldest.
        unsafe { Ring::of(self.0) }
    }

    /// A link as it is: not to be followed.
    #[inline]
    fn raw(self, number: usize) -> Option<Block> {
        // SAFETY: `of` vouches for the words.
        unsafe { self.0.link(number) }
    }

    /// What a link leads to, wherever that is in memory that holds blocks. (Whether it is a free one cannot be asked: a block
    /// that is being put in has no header yet.) Before anything is written there, the link back is compared.
    #[inline]
    fn link(self, number: usize) -> Option<Self> {
        // SAFETY: `of` vouches for the words.
        unsafe { guard::peek::<G>(self.0, number) }.map(|to| Self(to, PhantomData))
    }

    /// The child on `side`, a free block: for a search.
    #[inline]
    pub(crate) fn free_child(self, side: Side) -> Option<Self> {
        // SAFETY: `of` vouches for the words.
        let child = unsafe { guard::follow::<G>(self.0, CHILDREN + side as usize) };
        child.map(|to| Self(to, PhantomData))
    }

    /// Ends unless `holds`: a link of this node was overwritten, or one that leads to it.
    #[inline]
    pub(crate) fn require(self, holds: bool) {
        require::<G>(holds, self.0, Part::Link);
    }

    #[inline]
    fn set_link(self, number: usize, to: Option<Self>) {
        // SAFETY: `of` vouches for the words.
        unsafe { self.0.set_link(number, to.map(Self::block)) };
    }

    #[inline]
    pub(crate) fn child(self, side: Side) -> Option<Self> {
        self.link(CHILDREN + side as usize)
    }

    #[inline]
    pub(crate) fn set_child(self, side: Side, child: Option<Self>) {
        self.set_link(CHILDREN + side as usize, child);
    }

    #[inline]
    pub(crate) fn parent(self) -> Option<Self> {
        self.link(PARENT)
    }

    #[inline]
    pub(crate) fn set_parent(self, parent: Option<Self>) {
        self.set_link(PARENT, parent);
    }

    /// The side on which `child`, one of the two, is.
    #[inline]
    pub(crate) fn side_of(self, child: Self) -> Side {
        let is_at = |side| self.raw(CHILDREN + side as usize) == Some(child.0);
        let side = Side::right_if(is_at(Side::Right));
        child.require(is_at(side));
        side
    }

    #[inline]
    pub(crate) fn is_leaf(self) -> bool {
        self.raw(CHILDREN).is_none() && self.raw(CHILDREN + 1).is_none()
    }

    #[inline]
    pub(crate) fn rank(self) -> isize {
        // SAFETY: `of` vouches for the word, and payloads are aligned to 16.
        unsafe { self.0.payload().cast::<isize>().add(RANK).read() }
    }

    #[inline]
    pub(crate) fn set_rank(self, rank: isize) {
        // SAFETY: as in `rank`.
        unsafe { self.0.payload().cast::<isize>().add(RANK).write(rank) };
    }

    /// Whether there is no parent: this is the root, or no node.
    #[inline]
    pub(crate) fn is_root(self) -> bool {
        self.raw(PARENT).is_none()
    }

    /// Adds to the rank: a promotion, or with a negative number a demotion.
    #[inline]
    pub(crate) fn promote(self, by: isize) {
        self.set_rank(self.rank().wrapping_add(by));
    }

    /// By how much the rank exceeds that of the child on `side`: 1 or 2, while the tree is in balance.
    #[inline]
    pub(crate) fn rank_difference(self, side: Side) -> isize {
        self.rank_above(self.child(side))
    }

    /// By how much the rank exceeds that of `child`.
    #[inline]
    pub(crate) fn rank_above(self, child: Option<Self>) -> isize {
        self.rank().wrapping_sub(child.map_or(MISSING, Self::rank))
    }

    /// The child on `side`, if its links are those of one.
    pub(crate) fn sound_child(self, side: Side) -> Result<Option<Self>, IndexViolation> {
        let child = self.raw(CHILDREN + side as usize).map(|block| Self(block, PhantomData));
        let is_linked = |child: Self| G::may_follow(child.0) && child.raw(PARENT) == Some(self.0);
        IndexViolation::unless(child.is_none_or(is_linked), Rule::Linked, Some(self.0))?;
        Ok(child)
    }

    /// The child on `side`, which knows that it is one. Where no node is passed twice, that keeps a walk from going in
    /// circles.
    pub(crate) fn child_of_mine(self, side: Side) -> Option<Self> {
        let child = self.child(side)?;
        self.require(child.raw(PARENT) == Some(self.0));
        Some(child)
    }

    /// The node at the end of the path that always turns to `side`.
    #[inline]
    pub(crate) fn outermost(self, side: Side) -> Self {
        let mut node = self;
        while let Some(next) = node.child_of_mine(side) {
            node = next;
        }
        node
    }
}

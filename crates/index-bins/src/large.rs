//! The large blocks: in tries, but for the one that was cut last.

use snugfit_index::{Guard, IndexViolation, Rule};
use snugfit_tag::Block;

use crate::small::SMALL_LIMIT;
use crate::tries::Tries;

/// A program that starts, or begins something new, has block after block cut from one large one. To take what is left of it out of
/// one trie and put it into another, each time, would be most of the work. So what was left last is in none, until another one is:
/// then a cut changes two words here, and none in the block.
///
/// This is the last remainder of Doug Lea's malloc; but there requests may be served from it that others fit better, and here none is.
#[derive(Debug)]
pub(crate) struct Large<G> {
    pub(crate) tries: Tries<G>,
    /// Newer than any block of its size in the tries.
    remainder: Option<Remainder>,
    /// No block is larger than so many bytes: a heap whose blocks all come from its top asks for larger ones each time.
    most: usize,
}

#[derive(Clone, Copy, Debug)]
struct Remainder {
    block: Block,
    size: usize,
}

impl<G: Guard> Large<G> {
    pub(crate) const EMPTY: Self = Self { tries: Tries::EMPTY, remainder: None, most: 0 };

    /// # Safety
    /// - As for `FreeIndex::insert`; `size` is at least [`SMALL_LIMIT`].
    #[inline]
    pub(crate) unsafe fn insert(&mut self, block: Block, size: usize) {
        self.most = self.most.max(size);
        // SAFETY: the caller's promises.
        unsafe {
            // The older one of its size has to be there already.
            if self.is_size_of_remainder(size) {
                self.settle();
            }
            self.tries.insert(block, size);
        }
    }

    /// # Safety
    /// - As for `FreeIndex::remove`; `size` is at least [`SMALL_LIMIT`].
    #[inline]
    pub(crate) unsafe fn remove(&mut self, block: Block, size: usize) {
        if self.is_remainder(block) {
            self.remainder = None;
        } else {
            // SAFETY: the caller's promises; it is not the remainder, so it is in a trie.
            unsafe { self.tries.remove(block, size) };
        }
    }

    /// Replaces one large entry by another.
    ///
    /// # Safety
    /// - As for `FreeIndex::replace`; both sizes are at least [`SMALL_LIMIT`].
    #[inline]
    pub(crate) unsafe fn replace(&mut self, from: Block, old: usize, to: Block, new: usize) {
        self.most = self.most.max(new);
        if self.is_remainder(from) {
            self.remainder = Some(Remainder { block: to, size: new });
            return;
        }
        // SAFETY: the caller's promises; `from` is not the remainder, so it is in a trie.
        unsafe {
            if !self.replace_alone(from, old, to, new) {
                self.tries.remove(from, old);
                self.insert(to, new);
            }
        }
    }

    /// [`replace`](Self::replace) of a block that was cut: `to` becomes the remainder, unless that is more work.
    ///
    /// # Safety
    /// - As for [`replace`](Self::replace).
    pub(crate) unsafe fn cut(&mut self, from: Block, old: usize, to: Block, new: usize) {
        // SAFETY: as for `replace`.
        unsafe {
            if !self.is_remainder(from) {
                if self.replace_alone(from, old, to, new) {
                    return;
                }
                self.tries.remove(from, old);
                self.settle();
            }
        }
        self.remainder = Some(Remainder { block: to, size: new });
    }

    /// [`replace`](Self::replace), if that is next to no work. False, with nothing changed, if not.
    ///
    /// # Safety
    /// - As for [`replace`](Self::replace); `from` is in a trie.
    #[inline(always)]
    unsafe fn replace_alone(&mut self, from: Block, old: usize, to: Block, new: usize) -> bool {
        // SAFETY: the caller's promises.
        !self.is_size_of_remainder(new) && unsafe { self.tries.replace_alone(from, old, to, new) }
    }

    /// Whether a block of at least `size` bytes may be there.
    #[inline]
    pub(crate) const fn may_have(&self, size: usize) -> bool {
        size <= self.most
    }

    /// There is none of `size` bytes, nor any larger.
    #[inline]
    pub(crate) const fn has_none(&mut self, size: usize) {
        self.most = size.saturating_sub(1);
    }

    /// The best fit of `size`, large or not, among the large blocks, and its size: as its header states it, or as it was cut.
    #[inline]
    pub(crate) fn find(&self, size: usize) -> Option<(Block, usize)> {
        let found = self.tries.find(size).map(|block| (block, block.size()));
        match self.remainder {
            // Of equal ones the remainder is the newest.
            Some(Remainder { block, size: left })
                if left >= size && found.is_none_or(|(_, found)| left <= found) =>
            {
                Some((block, left))
            }
            _ => found,
        }
    }

    pub(crate) fn for_each(&self, see: &mut dyn FnMut(Block)) {
        self.tries.for_each(see);
        self.remainder.iter().for_each(|remainder| see(remainder.block));
    }

    pub(crate) fn validate(&self) -> Result<(), IndexViolation> {
        self.tries.validate()?;
        let mut above = None;
        self.for_each(&mut |block| {
            if !self.may_have(block.size()) {
                above = Some(block);
            }
        });
        IndexViolation::unless(above.is_none(), Rule::Ordered, above)?;
        let Some(Remainder { block, size }) = self.remainder else { return Ok(()) };
        let is_sized = size >= SMALL_LIMIT && block.size() == size;
        IndexViolation::unless(is_sized, Rule::Ordered, Some(block))?;
        let mut is_twice = false;
        self.tries.for_each(&mut |other| is_twice |= other == block);
        IndexViolation::unless(!is_twice, Rule::Linked, Some(block))
    }

    #[inline(always)]
    fn is_remainder(&self, block: Block) -> bool {
        self.remainder.is_some_and(|remainder| remainder.block == block)
    }

    #[inline(always)]
    fn is_size_of_remainder(&self, size: usize) -> bool {
        self.remainder.is_some_and(|remainder| remainder.size == size)
    }

    /// Puts the remainder where other blocks are.
    ///
    /// # Safety
    /// - The remainder's tag is written, as for `FreeIndex::insert`, and so are those of the blocks in the tries.
    unsafe fn settle(&mut self) {
        if let Some(Remainder { block, size }) = self.remainder.take() {
            // SAFETY: it is free, owned by the heap, and in no trie.
            unsafe { self.tries.insert(block, size) };
        }
    }
}

//! A free index that does not say which of several equal blocks it gives.

use snugfit_index::{FreeIndex, IndexViolation, Part};
use snugfit_tag::{Block, MIN_BLOCK};

use super::random;

/// An index that takes, among the newest few blocks of the size that fits best, one at random, once it was told to. It is an
/// exact best fit all the same; what it does not keep of the contract is that the newest of equals comes first, on which no
/// heap relies.
#[derive(Debug)]
pub(crate) struct Shuffled<I> {
    inner: I,
    is_random: bool,
}

/// Among so many, a power of two. (More would be more to fetch: each is memory that was not used for a while.)
const AMONG: usize = 4;

impl<I: FreeIndex> Shuffled<I> {
    /// From now on the choice is random.
    pub(crate) fn shuffle(&mut self) {
        self.is_random = true;
    }
}

// SAFETY: all is done by the inner index, which keeps the promises.
unsafe impl<I: FreeIndex> FreeIndex for Shuffled<I> {
    const EMPTY: Self = Self { inner: I::EMPTY, is_random: false };

    #[inline]
    unsafe fn insert(&mut self, block: Block, size: usize) {
        // SAFETY: the caller's promises.
        unsafe { self.inner.insert(block, size) };
    }

    #[inline]
    unsafe fn remove(&mut self, block: Block, size: usize) {
        // SAFETY: the caller's promises.
        unsafe { self.inner.remove(block, size) };
    }

    fn find(&self, size: usize) -> Option<Block> {
        self.inner.find(size)
    }

    fn for_each(&self, visit: &mut dyn FnMut(Block)) {
        self.inner.for_each(visit);
    }

    #[inline]
    fn take(&mut self, size: usize) -> Option<(Block, usize)> {
        if self.is_random { self.inner.take_older(size, random::below(AMONG)) } else { self.inner.take(size) }
    }

    #[inline]
    unsafe fn take_split(&mut self, size: usize) -> Option<(Block, usize)> {
        if !self.is_random {
            // SAFETY: the caller's promises.
            return unsafe { self.inner.take_split(size) };
        }
        let (block, found) = self.take(size)?;
        if found - size >= MIN_BLOCK {
            // SAFETY: the rest lies in the block that was just taken; the caller writes its tag in time.
            unsafe { self.inner.insert(block.offset(size), found - size) };
        }
        Some((block, found))
    }

    #[inline]
    unsafe fn replace(&mut self, from: Block, old: usize, to: Block, new: usize) {
        // SAFETY: the caller's promises.
        unsafe { self.inner.replace(from, old, to, new) };
    }

    fn for_each_from(&self, smallest: usize, visit: &mut dyn FnMut(Block)) {
        self.inner.for_each_from(smallest, visit);
    }

    fn len(&self) -> usize {
        self.inner.len()
    }

    fn bytes(&self) -> usize {
        self.inner.bytes()
    }

    fn validate(&self) -> Result<(), IndexViolation> {
        self.inner.validate()
    }

    #[cold]
    fn broken(block: usize, part: Part) -> ! {
        I::broken(block, part)
    }
}

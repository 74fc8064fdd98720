//! Sizes of blocks that threads keep.

use core::hint::assert_unchecked;

use snugfit_tag::{Format, GRANULE, MIN_BLOCK, Mirrored, Tag};

/// A class of blocks: every multiple of 16 up to 1 KiB is one, and above that 8 in each doubling, up to 16 KiB. So at most
/// an eighth of a block is more than was asked for, and all of that is canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class(usize);

/// The largest blocks of the classes that have an exact size, in bytes.
const EXACT: usize = 1 << EXACT_BITS;
const EXACT_BITS: u32 = 10;

/// The largest blocks of the small ones, in bytes: most there are, and what is done with them takes few steps.
const SMALL: usize = 256;

/// The largest blocks of all, in bytes, header included.
pub(super) const LARGEST: usize = 16 << 10;

/// Classes in each doubling.
const STEPS: usize = 1 << STEP_BITS;
const STEP_BITS: u32 = 3;

/// So many bytes of freed blocks of each class are kept out of use, but of blocks at least and at most so many.
const KEPT_BYTES: usize = 8 << 10;
const KEPT_LEAST: usize = 2;
const KEPT_MOST: usize = 64;

/// So many bytes, but at least one block and at most so many, come from the heap at once, or go back. A single one is not worth it,
/// and comes from the heap when it is wanted.
const BATCH_BYTES: usize = 4096;
const BATCH_MOST: usize = 32;

const _: () = assert!((EXACT >> STEP_BITS).is_multiple_of(GRANULE));

impl Class {
    /// One more than the largest number. Numbers 0 and 1 are of no block.
    pub(super) const COUNT: usize = Self::of_block_at_most_largest(LARGEST).0 + 1;

    /// The number of the smallest.
    pub(super) const FIRST: usize = MIN_BLOCK / GRANULE;

    /// The class of the smallest blocks that serve a request for `size` bytes, and their size; `None` if they are not small ones, or
    /// `size` is 0: one comparison for both.
    #[inline(always)]
    #[expect(clippy::manual_div_ceil, reason = "sizes this small cannot overflow, and the path is hot")]
    pub(super) fn of_small_request(size: usize) -> Option<(Self, usize)> {
        if size.wrapping_sub(1) >= SMALL - Mirrored::OVERHEAD {
            return None;
        }
        let number = (size + Mirrored::OVERHEAD + GRANULE - 1) / GRANULE;
        let size_of_block = number * GRANULE;
        // SAFETY: the size is at least 1, and small.
        unsafe { assert_unchecked((MIN_BLOCK..=SMALL).contains(&size_of_block)) };
        Some((Self(number), size_of_block))
    }

    /// The class and the size of the block whose tag is `tag`, if it is a small one in use.
    #[inline(always)]
    pub(super) fn of_small_block(tag: Tag) -> Option<(Self, usize)> {
        let number = tag.granules_in_use();
        (number <= SMALL / GRANULE).then_some((Self(number), number * GRANULE))
    }

    /// The class of the smallest blocks that serve a request for `size` bytes; `None` if that is too large.
    #[inline(always)]
    pub(super) fn of_request(size: usize) -> Option<Self> {
        let size = Mirrored::block_size(size)?;
        (size <= LARGEST).then(|| Self::of_block_at_most_largest(size))
    }

    /// The class of the blocks of just `size` bytes; `None` if there is none.
    #[inline(always)]
    pub(super) fn of_block(size: usize) -> Option<Self> {
        let class = (size <= LARGEST).then(|| Self::of_block_at_most_largest(size))?;
        (size <= EXACT || class.size() == size).then_some(class)
    }

    #[inline(always)]
    const fn of_block_at_most_largest(size: usize) -> Self {
        if size <= EXACT {
            return Self(size / GRANULE);
        }
        let below = size - 1;
        let doubling = below.ilog2();
        let step = below >> (doubling - STEP_BITS) & (STEPS - 1);
        Self(EXACT / GRANULE + (doubling - EXACT_BITS) as usize * STEPS + step + 1)
    }

    /// All of them, the smallest first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (Self::FIRST..Self::COUNT).map(Self)
    }

    pub(super) const fn number(self) -> usize {
        self.0
    }

    /// The class with that number.
    pub(super) const fn numbered(number: usize) -> Self {
        Self(number)
    }

    /// The size of its blocks, header included.
    pub(super) const fn size(self) -> usize {
        let Some(above) = self.0.checked_sub(EXACT / GRANULE + 1) else { return self.0 * GRANULE };
        (STEPS + above % STEPS + 1) << (above / STEPS) << (EXACT_BITS - STEP_BITS)
    }

    /// How many of its freed blocks are kept out of use.
    pub(super) const fn kept(self) -> usize {
        self.fitting(KEPT_BYTES, KEPT_LEAST, KEPT_MOST)
    }

    /// How many come from the heap at once, or go back.
    pub(super) const fn batch(self) -> usize {
        self.fitting(BATCH_BYTES, 1, BATCH_MOST)
    }

    /// How many can wait in a thread.
    pub(super) const fn room(self) -> usize {
        self.kept() + 2 * self.batch()
    }

    /// How many blocks have so many bytes, within limits.
    const fn fitting(self, bytes: usize, least: usize, most: usize) -> usize {
        match bytes.checked_div(self.size()) {
            Some(count) if count >= most => most,
            Some(count) if count > least => count,
            _ => least,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_size_of_its_own() {
        assert!(Class::all().is_sorted_by(|one, other| one.size() < other.size()));
        assert!(Class::all().all(|class| Class::of_block(class.size()) == Some(class)));
        assert_eq!(Class::all().last().map(Class::size), Some(LARGEST));
        assert_eq!(Class::all().next().map(Class::size), Some(MIN_BLOCK));
    }

    #[test]
    fn every_request_gets_the_smallest_class_that_serves_it() {
        let mut classes = Class::all().peekable();
        for size in 0..=LARGEST - Mirrored::OVERHEAD {
            let needed = Mirrored::block_size(size).unwrap();
            while classes.next_if(|class| class.size() < needed).is_some() {}
            let class = Class::of_request(size);
            assert_eq!(class, classes.peek().copied(), "{size}");
            let small = class.filter(|class| size > 0 && class.size() <= SMALL);
            assert_eq!(Class::of_small_request(size), small.map(|class| (class, class.size())));
            assert!(needed <= EXACT || class.unwrap().size() - needed <= needed / STEPS);
            assert_eq!(Class::of_block(needed).is_some(), class.unwrap().size() == needed, "{size}");
        }
        assert_eq!(Class::of_request(LARGEST - Mirrored::OVERHEAD + 1), None);
        assert_eq!(Class::of_request(usize::MAX), None);
        assert_eq!(Class::of_block(LARGEST + GRANULE), None);
    }
}

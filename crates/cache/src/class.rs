//! Size classes.

use snugfit_tag::{Compact, Format, GRANULE, MIN_BLOCK};

/// A class of blocks: all of one size, a multiple of 16 up to [`LARGEST`].
///
/// Its number is that size in granules. What it is made of is the size in bytes: so where what belongs to a class is found by its
/// number, in steps of a power of two, no bits are shifted out and in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class(u32);

/// The size of the blocks of the last class, in bytes, header included.
pub const LARGEST: usize = 1024;

impl Class {
    /// One more than the largest number. (No block has the size of numbers 0 and 1.)
    pub const COUNT: usize = LARGEST / GRANULE + 1;

    /// All classes, smallest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (MIN_BLOCK / GRANULE..Self::COUNT).map(|number| Self((number * GRANULE) as u32))
    }

    /// The class of the block for `size` payload bytes; `None` if that is too large for any.
    #[inline]
    #[must_use]
    pub const fn of_request(size: usize) -> Option<Self> {
        if size > LARGEST - Compact::OVERHEAD {
            return None;
        }
        let block = (size + Compact::OVERHEAD + (GRANULE - 1)) & !(GRANULE - 1);
        // The smallest block has two granules.
        Some(Self(if block < MIN_BLOCK { MIN_BLOCK } else { block } as u32))
    }

    /// The class of a block of `size` bytes, header included, a multiple of 16; `None` if that is too large for any.
    ///
    /// For a size that no block has it may be one of the two numbers whose bins hold nothing, ever.
    #[inline]
    #[must_use]
    pub const fn of_block(size: usize) -> Option<Self> {
        debug_assert!(size.is_multiple_of(GRANULE));
        if size <= LARGEST { Some(Self(size as u32)) } else { None }
    }

    /// Its number: at least 2, less than [`COUNT`](Self::COUNT).
    #[inline]
    #[must_use]
    pub const fn number(self) -> usize {
        self.block_size() / GRANULE
    }

    /// The size of its blocks in bytes, header included.
    #[inline]
    #[must_use]
    pub const fn block_size(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_gets_the_class_of_its_block() {
        for size in 0..=LARGEST - Compact::OVERHEAD {
            let block = Compact::block_size(size).unwrap();
            assert_eq!(Class::of_request(size), Class::of_block(block), "{size}");
            assert_eq!(Class::of_request(size).map(Class::block_size), Some(block), "{size}");
        }
        assert_eq!(Class::of_request(LARGEST - Compact::OVERHEAD + 1), None);
        assert_eq!(Class::of_request(usize::MAX), None);
        assert_eq!(Class::of_block(LARGEST + GRANULE), None);
        assert_eq!(Class::of_block(1 << 40), None);
    }

    #[test]
    fn there_is_a_class_for_every_size() {
        let sizes: std::vec::Vec<_> = Class::all().map(Class::block_size).collect();
        let expected: std::vec::Vec<_> = (MIN_BLOCK..=LARGEST).step_by(GRANULE).collect();
        assert_eq!(sizes, expected);
        assert_eq!(Class::all().last().unwrap().number() + 1, Class::COUNT);
    }
}

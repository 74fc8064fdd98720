//! Size classes, and which block of its slab an offset is.

use crate::slab::{BLOCKS, SLAB};

/// A class of blocks: all of one size, a multiple of 16 up to [`LARGEST`].
///
/// Its number is the size, counted in steps of 16. What it is made of is the size in bytes: a bin of an owner has as many bytes as
/// there are in a step, so that it is found without a shift.
///
/// There is no class for which a slab would have as many blocks as for a larger one: so those up to 416 bytes lie 16 apart, and above there are
/// eleven, at most 14.3 % apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class(usize);

/// The size of the largest blocks, in bytes.
pub const LARGEST: usize = 1024;

/// What sizes are multiples of: the alignment of every block.
pub(crate) const STEP: usize = 16;

/// For each size in steps, rounded up, the size of the class.
static SIZES: [u16; LARGEST / STEP + 1] = {
    let mut sizes = [STEP as u16; LARGEST / STEP + 1];
    let mut steps = 1;
    while steps < sizes.len() {
        let count = SLAB / (steps * STEP);
        sizes[steps] = (SLAB / count / STEP * STEP) as u16;
        steps += 1;
    }
    sizes
};

impl Class {
    /// One more than the largest number. (No block has the size of number 0.)
    pub(crate) const COUNT: usize = LARGEST / STEP + 1;

    /// All classes, smallest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..Self::COUNT).map(|number| Self(number * STEP)).filter(|class| class.is_one())
    }

    /// Whether blocks have that size.
    fn is_one(self) -> bool {
        SIZES.get(self.number()).is_some_and(|&size| usize::from(size) == self.0)
    }

    /// The class of the block for `size` bytes; `None` if that is too large for any.
    #[inline(always)]
    #[must_use]
    pub fn of_request(size: usize) -> Option<Self> {
        if size > LARGEST {
            return None;
        }
        // SAFETY: there is a size for each that is not larger.
        Some(Self(usize::from(unsafe { *SIZES.get_unchecked(size.div_ceil(STEP)) })))
    }

    /// That of `number`, which is less than [`COUNT`](Self::COUNT).
    pub(crate) const fn of_number(number: u8) -> Self {
        Self(number as usize * STEP)
    }

    /// Its number: that of its size, counted in steps.
    #[inline]
    pub(crate) const fn number(self) -> usize {
        self.size() / STEP
    }

    /// The size of its blocks in bytes.
    #[inline]
    #[must_use]
    pub const fn size(self) -> usize {
        self.0
    }

    /// How many words of bits its blocks take.
    #[inline]
    pub(crate) const fn words(self) -> usize {
        match self.size() {
            ..=32 => 4,
            48 => 3,
            64..128 => 2,
            _ => 1,
        }
    }

    /// How many blocks a slab has.
    pub(crate) const fn count(self) -> usize {
        match SLAB.checked_div(self.size()) {
            Some(count) if count > BLOCKS => BLOCKS,
            Some(count) => count,
            None => 0,
        }
    }
}

/// How to divide an offset by the size of a class.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reciprocal {
    /// 2^32 by the size, rounded up; and 1 more, if there is room for more blocks than a slab may have.
    pub(crate) multiplier: u32,
    /// The products of what is to be divided have less than this in their lower half.
    pub(crate) limit: u16,
}

static RECIPROCALS: [Reciprocal; Class::COUNT] = {
    let mut all = [Reciprocal { multiplier: 0, limit: 0 }; Class::COUNT];
    let mut number = 1;
    while number < all.len() {
        all[number] = Reciprocal::calculate(Class(number * STEP));
        number += 1;
    }
    all
};

impl Reciprocal {
    /// The multiplier is too large by some part of 1, so the product of the multiple `k` of the size is `k` in its upper half, and in
    /// the lower one `k` times an excess, which is at most the size. Any other offset has at least the multiplier there. The limit lies
    /// just behind the last block of a slab: the multiple behind that, which may still lie in the slab, is none.
    ///
    /// (Granlund and Montgomery, *Division by Invariant Integers using Multiplication*, PLDI 1994; Lemire, Kaser and Kurz, *Faster Remainder
    /// by Direct Computation*, 2019.)
    const fn calculate(class: Class) -> Self {
        let size = class.size() as u64;
        let is_whole = (class.count() + 1) * class.size() > SLAB;
        let multiplier = (1u64 << 32).div_ceil(size) + if is_whole { 0 } else { 1 };
        let excess = multiplier * size - (1 << 32);
        // At most as many as a slab has bytes.
        let limit = (class.count() as u64 - 1) * excess + 1;
        Self { multiplier: multiplier as u32, limit: limit as u16 }
    }

    /// That of `class`.
    #[inline(always)]
    pub(crate) fn of(class: Class) -> Self {
        // SAFETY: a class has a number below the count.
        unsafe { *RECIPROCALS.get_unchecked(class.number()) }
    }

    /// Which block of a slab starts at `offset` bytes in it, which is less than [`SLAB`]. `None` if none does.
    #[inline(always)]
    pub(crate) fn index(self, offset: u32) -> Option<u32> {
        let product = u64::from(offset) * u64::from(self.multiplier);
        if (product as u32) < u32::from(self.limit) { Some((product >> 32) as u32) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_gets_a_block_of_which_a_slab_has_as_many_as_it_can() {
        let mut last = 0;
        for size in 1..=LARGEST {
            let class = Class::of_request(size).expect("small enough");
            assert!(class.size() >= size && class.size() >= last && class.size().is_multiple_of(STEP));
            let rounded = size.next_multiple_of(STEP);
            assert_eq!(class.count(), (SLAB / rounded).min(BLOCKS), "{size}");
            assert_eq!(class.words(), class.count().div_ceil(64), "{size}");
            assert!(size > 416 || class.size() == rounded, "{size}");
            assert!(class.size() * 100 <= rounded * 115, "{size}");
            assert_eq!(Class::of_number(class.number() as u8), class);
            assert!(class.is_one());
            last = class.size();
        }
        assert_eq!(Class::of_request(0).map(Class::size), Some(STEP));
        assert_eq!(Class::of_request(LARGEST + 1), None);
        assert_eq!(Class::of_request(usize::MAX), None);
        assert_eq!(Class::all().count(), 37);
    }

    /// All there are.
    #[test]
    fn an_offset_is_a_block_if_and_only_if_one_starts_there() {
        for class in Class::all() {
            let reciprocal = Reciprocal::of(class);
            for offset in 0..SLAB as u32 {
                let is_multiple = (offset as usize).is_multiple_of(class.size());
                let index = offset / class.size() as u32;
                let expected = (is_multiple && (index as usize) < class.count()).then_some(index);
                assert_eq!(reciprocal.index(offset), expected, "{class:?}, offset {offset}");
            }
        }
        assert!((0..SLAB as u32).all(|offset| Reciprocal::default().index(offset).is_none()));
    }
}

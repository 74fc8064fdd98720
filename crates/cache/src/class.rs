//! Size classes.

use snugfit_run::{CLASSES, class_of, size_of_class};
use snugfit_tag::{Compact, Format, GRANULE, MIN_BLOCK};

/// A class of blocks, all of one size: those of [runs](snugfit_run), which have no header, for up to 256 bytes; and blocks with
/// headers, of every multiple of 16 up to [`LARGEST`].
///
/// For a request of up to 256 bytes there are two: blocks with headers serve where there can be no run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class(u8);

/// The size of the blocks of the last class, in bytes, header included.
pub const LARGEST: usize = 1024;

/// The number of the class of header blocks of no granules, if there were such.
const WITH_HEADER: usize = CLASSES;

impl Class {
    /// One more than the largest number.
    pub const COUNT: usize = WITH_HEADER + LARGEST / GRANULE + 1;

    /// All classes: those of runs, then those with headers, the smallest first.
    pub fn all() -> impl Iterator<Item = Self> {
        let with_header = WITH_HEADER + MIN_BLOCK / GRANULE..Self::COUNT;
        (1..CLASSES).chain(with_header).map(|number| Self(number as u8))
    }

    /// The class of the block for `size` payload bytes; `None` if that is too large for any.
    #[inline]
    #[must_use]
    pub const fn of_request(size: usize) -> Option<Self> {
        if size <= snugfit_run::LARGEST {
            // There is a block for no bytes, too.
            Some(Self(class_of(size) + (size == 0) as u8))
        } else {
            Self::with_header(size)
        }
    }

    /// The class of the block in a run for `size` bytes, which are at most [`snugfit_run::LARGEST`]. For none it is one whose
    /// bin holds nothing, ever.
    #[inline(always)]
    #[must_use]
    pub const fn of_small(size: usize) -> Self {
        Self(class_of(size))
    }

    /// The class of runs with this number; 0 stands for none, and never has room.
    #[inline(always)]
    #[must_use]
    pub const fn of_run(number: u8) -> Self {
        debug_assert!((number as usize) < CLASSES);
        Self(number)
    }

    /// The class of the block with a header for `size` payload bytes; `None` if that is too large for any.
    #[inline]
    #[must_use]
    #[expect(clippy::manual_div_ceil, reason = "sizes this small cannot overflow, and the path is hot")]
    pub const fn with_header(size: usize) -> Option<Self> {
        if size > LARGEST - Compact::OVERHEAD {
            return None;
        }
        let granules = (size + Compact::OVERHEAD + (GRANULE - 1)) / GRANULE;
        // The smallest block has two.
        let granules = granules + (granules < MIN_BLOCK / GRANULE) as usize;
        Some(Self((WITH_HEADER + granules) as u8))
    }

    /// The class of a block of `size` bytes with a header, which that includes; `None` if it is too large for any.
    ///
    /// For a size that no block has it may be one of two numbers whose bins hold nothing, ever.
    #[inline]
    #[must_use]
    pub const fn of_block(size: usize) -> Option<Self> {
        let number = WITH_HEADER + size / GRANULE;
        if number < Self::COUNT { Some(Self(number as u8)) } else { None }
    }

    /// Its number: at least 1, less than [`COUNT`](Self::COUNT).
    #[inline]
    #[must_use]
    pub const fn number(self) -> usize {
        self.0 as usize
    }

    /// Whether its blocks lie in runs: their class has this number there.
    #[inline]
    #[must_use]
    pub const fn run(self) -> Option<u8> {
        if self.number() < CLASSES { Some(self.0) } else { None }
    }

    /// The size of its blocks in bytes, header included.
    #[inline]
    #[must_use]
    pub const fn block_size(self) -> usize {
        match self.run() {
            Some(class) => size_of_class(class),
            None => (self.number() - WITH_HEADER) * GRANULE,
        }
    }

    /// The bytes of its blocks that their owners may use.
    #[inline]
    #[must_use]
    pub const fn payload_size(self) -> usize {
        match self.run() {
            Some(class) => size_of_class(class),
            None => self.block_size() - Compact::OVERHEAD,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_gets_the_class_of_its_block() {
        for size in 0..=LARGEST - Compact::OVERHEAD {
            let block = Compact::block_size(size).unwrap();
            let with_header = Class::with_header(size).unwrap();
            assert_eq!(Some(with_header), Class::of_block(block), "{size}");
            assert_eq!(with_header.block_size(), block, "{size}");
            let class = Class::of_request(size).unwrap();
            assert!(class.payload_size() >= size && class.payload_size() < size.max(9) + 16, "{size}");
            assert_eq!(class.run().is_some(), size <= snugfit_run::LARGEST, "{size}");
        }
        assert_eq!(Class::of_request(LARGEST - Compact::OVERHEAD + 1), None);
        assert_eq!(Class::of_request(usize::MAX), None);
        assert_eq!(Class::of_block(LARGEST + GRANULE), None);
        assert_eq!(Class::of_block(1 << 40), None);
    }

    #[test]
    fn there_is_a_class_for_every_size() {
        let sizes = |in_run: bool| {
            let of_kind = move |class: &Class| class.run().is_some() == in_run;
            Class::all().filter(of_kind).map(Class::block_size).collect::<std::vec::Vec<_>>()
        };
        let headers: std::vec::Vec<_> = (MIN_BLOCK..=LARGEST).step_by(GRANULE).collect();
        assert_eq!(sizes(false), headers);
        let runs: std::vec::Vec<_> = (16..=256).step_by(16).collect();
        assert_eq!(sizes(true), runs);
        assert_eq!(Class::all().last().unwrap().number() + 1, Class::COUNT);
    }
}

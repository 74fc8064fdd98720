//! A run, and the classes of its blocks.

use core::cell::Cell;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Bytes of a run: the unit of all page sizes that there are.
pub const PAGE: usize = 4096;

/// Bytes at the end of a run that are not its own: the header of the block behind it.
const LAST: usize = 8;

/// Bytes of the largest blocks.
pub const LARGEST: usize = 256;

/// Blocks of this class have 16 bytes, less than a mark stands for: their marks lie at the start of the run.
pub const TINY: u8 = 1;

const GRANULE: usize = 16;

/// Bytes of a page that share a mark.
pub(crate) const PIECE: usize = 32;

/// One more than the largest class. There is no class 0.
pub const CLASSES: usize = LARGEST / GRANULE + 1;

/// The class of blocks for `size` bytes, which are at most [`LARGEST`]; 0, which is none, for no bytes.
#[inline(always)]
#[must_use]
#[expect(clippy::manual_div_ceil, reason = "sizes this small cannot overflow, and the path is hot")]
pub const fn class_of(size: usize) -> u8 {
    debug_assert!(size <= LARGEST);
    ((size + (GRANULE - 1)) / GRANULE) as u8
}

/// Bytes of the blocks of `class`.
#[inline]
#[must_use]
pub const fn size_of_class(class: u8) -> usize {
    class as usize * GRANULE
}

/// Bytes from the start of a run of `class` to its first block.
pub(crate) const fn start_of(class: u8) -> usize {
    // A byte for each granule of the page.
    if class == TINY { PAGE / GRANULE } else { 0 }
}

/// In place of the class of a run that has none yet, and no blocks.
pub(crate) const BLANK: u8 = CLASSES as u8;

/// How many blocks of `class` a run has.
#[must_use]
pub(crate) const fn blocks_of(class: u8) -> usize {
    if class == BLANK {
        return 0;
    }
    match (PAGE - LAST - start_of(class)).checked_div(size_of_class(class)) {
        Some(blocks) => blocks,
        None => 0,
    }
}

/// How far from the start of a run of `class` its blocks lie.
#[inline]
pub(crate) fn offsets(class: u8) -> impl Iterator<Item = usize> {
    (start_of(class)..PAGE - LAST).step_by(size_of_class(class).max(GRANULE)).take(blocks_of(class))
}

/// What is known of a page that may be a run.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Run {
    /// The next and the previous run in its list, as page numbers; 0 for none.
    pub(crate) next: Cell<u32>,
    pub(crate) previous: Cell<u32>,
    /// No block that starts before this many granules is free.
    pub(crate) first: Cell<u8>,
    /// Free blocks.
    pub(crate) free: Cell<u8>,
    /// 0 if the page is no run. Anyone may look.
    pub(crate) class: AtomicU8,
    /// Whose list it is in.
    pub(crate) owner: Cell<u8>,
}

impl Run {
    pub(crate) fn class(&self) -> u8 {
        self.class.load(Relaxed)
    }

    /// Its blocks that are out.
    pub(crate) fn out(&self) -> usize {
        blocks_of(self.class()) - usize::from(self.free.get())
    }
}

const _: () = assert!(blocks_of(1) < 256 && size_of::<Run>() == 12);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_the_smallest_class_that_is_large_enough() {
        assert_eq!(class_of(0), 0);
        for size in 1..=LARGEST {
            let class = class_of(size);
            assert!(size_of_class(class) >= size && usize::from(class) < CLASSES);
            assert!(size_of_class(class - 1) < size, "{size}");
        }
    }
}

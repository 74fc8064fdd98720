//! What `validate` can find.

use core::error::Error;
use core::fmt;

use snugfit_index::IndexViolation;

/// A broken invariant of a heap, and the address (of a header, unless said otherwise) where it was noticed. The
/// invariants are listed and numbered in the crate's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// 1: the blocks of a segment do not end at its epilogue.
    Tiling(usize),
    /// 2: a size is below the minimum block. (That it is a multiple of 16 lies in the format.)
    Size(usize),
    /// 3: a free block's footer is not its size.
    Footer(usize),
    /// 3: a *previous in use* flag is wrong.
    PreviousFlag(usize),
    /// 4: two free blocks are neighbours, or a free block lies before the top.
    FreeNeighbours(usize),
    /// 5: an index entry is not a free block.
    NotFree(usize),
    /// 5: free blocks and index entries are not the same.
    IndexDiffers,
    /// 6: the index's own order is broken.
    Index(IndexViolation),
    /// 7: a seal, or a mirrored footer, is not valid for the block.
    Seal(usize),
    /// 8: the bytes do not add up to the footprint, or to what was counted.
    Sum,
    /// 9: a segment (its first byte) overlaps another, or is not aligned to its source's granularity.
    Segment(usize),
}

impl Violation {
    /// The number of the invariant.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Tiling(_) => 1,
            Self::Size(_) => 2,
            Self::Footer(_) | Self::PreviousFlag(_) => 3,
            Self::FreeNeighbours(_) => 4,
            Self::NotFree(_) | Self::IndexDiffers => 5,
            Self::Index(_) => 6,
            Self::Seal(_) => 7,
            Self::Sum => 8,
            Self::Segment(_) => 9,
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Tiling(_) => "the blocks of a segment do not end at its epilogue",
            Self::Size(_) => "a block's size is below 32",
            Self::Footer(_) => "a free block's footer is not its size",
            Self::PreviousFlag(_) => "a block is wrong about the one before it",
            Self::FreeNeighbours(_) => "free neighbours should have coalesced",
            Self::NotFree(_) => "an index entry is not a free block",
            Self::IndexDiffers => "free blocks and index entries differ",
            Self::Index(_) => "the index is out of order",
            Self::Seal(_) => "a seal does not fit its block",
            Self::Sum => "the bytes do not add up",
            Self::Segment(_) => "a segment overlaps another or is not aligned",
        }
    }

    /// Where it was noticed, if it was in one place.
    #[must_use]
    pub const fn address(self) -> Option<usize> {
        match self {
            Self::Tiling(at)
            | Self::Size(at)
            | Self::Footer(at)
            | Self::PreviousFlag(at)
            | Self::FreeNeighbours(at)
            | Self::NotFree(at)
            | Self::Seal(at)
            | Self::Segment(at) => Some(at),
            Self::Index(violation) => violation.address,
            Self::IndexDiffers | Self::Sum => None,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {}: {}", self.number(), self.sentence())?;
        match (self, self.address()) {
            (Self::Index(violation), _) => write!(f, ": {violation}"),
            (_, Some(address)) => write!(f, ", at {address:#x}"),
            _ => Ok(()),
        }
    }
}

impl Error for Violation {}

impl From<IndexViolation> for Violation {
    fn from(violation: IndexViolation) -> Self {
        Self::Index(violation)
    }
}

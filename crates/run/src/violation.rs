//! What can be wrong with runs.

use core::fmt;

/// A broken invariant of [`Runs`](crate::Runs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// The mark of the block at this address is not one that it can have.
    Mark(usize),
    /// The run at this address has another number of free blocks than it says.
    Free(usize),
    /// The run at this address has free blocks and is not in the list of its class, or the reverse.
    List(usize),
    /// The sums over all runs are not what was counted.
    Sum,
}

impl Violation {
    /// Where it was noticed.
    #[must_use]
    pub const fn address(self) -> Option<usize> {
        match self {
            Self::Mark(at) | Self::Free(at) | Self::List(at) => Some(at),
            Self::Sum => None,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mark(at) => write!(f, "the mark of the block at {at:#x} is none that it can have"),
            Self::Free(at) => write!(f, "the run at {at:#x} does not know how many of its blocks are free"),
            Self::List(at) => write!(f, "the list of runs with free blocks and the run at {at:#x} disagree"),
            Self::Sum => f.write_str("the sums over all runs are not what was counted"),
        }
    }
}

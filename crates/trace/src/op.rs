//! One operation of a trace.

/// What a program asked of its allocator. Every block has an id, given to it when it is allocated and free for
/// another one after it is freed.
///
/// Three words: a replay streams through millions of them, and they compete with what it measures for the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `a ID SIZE`: `malloc`.
    Allocate {
        /// The block.
        id: u32,
        /// Bytes asked for.
        size: usize,
    },
    /// `c ID COUNT SIZE`: `calloc`, memory that reads as zero.
    AllocateZeroed {
        /// The block.
        id: u32,
        /// Number of elements.
        count: usize,
        /// Bytes of an element.
        size: usize,
    },
    /// `m ID SIZE ALIGN`: `posix_memalign` and its relatives.
    AllocateAligned {
        /// The block.
        id: u32,
        /// Bytes asked for.
        size: usize,
        /// A power of two that the address is a multiple of.
        align: usize,
    },
    /// `r ID SIZE`: `realloc`.
    Resize {
        /// The block, which keeps its id wherever it moves.
        id: u32,
        /// Bytes asked for.
        size: usize,
    },
    /// `f ID`: `free`.
    Free {
        /// The block.
        id: u32,
    },
}

const _: () = assert!(size_of::<Op>() == 24, "an operation is three words");

impl Op {
    /// The block it is about.
    #[inline]
    #[must_use]
    pub const fn id(self) -> u32 {
        match self {
            Self::Allocate { id, .. }
            | Self::AllocateZeroed { id, .. }
            | Self::AllocateAligned { id, .. }
            | Self::Resize { id, .. }
            | Self::Free { id } => id,
        }
    }

    /// The bytes the block has afterwards: 0 for a free. `None` if that is more than a [`Trace`](crate::Trace)
    /// takes, which is `isize::MAX`.
    #[inline]
    #[must_use]
    pub const fn size(self) -> Option<usize> {
        let size = match self {
            Self::Allocate { size, .. } | Self::AllocateAligned { size, .. } | Self::Resize { size, .. } => {
                size
            }
            Self::AllocateZeroed { count, size, .. } => match count.checked_mul(size) {
                Some(product) => product,
                None => return None,
            },
            Self::Free { .. } => 0,
        };
        if size <= isize::MAX as usize { Some(size) } else { None }
    }

    /// The letter it is written with.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Allocate { .. } => 'a',
            Self::AllocateZeroed { .. } => 'c',
            Self::AllocateAligned { .. } => 'm',
            Self::Resize { .. } => 'r',
            Self::Free { .. } => 'f',
        }
    }

    /// Whether it brings a block to life.
    #[must_use]
    pub const fn is_allocation(self) -> bool {
        !matches!(self, Self::Resize { .. } | Self::Free { .. })
    }
}

//! What can go wrong in a replay: always the allocator's doing, never the trace's.

/// A replay that could not go on: in which operation, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{trace}: operation {operation} (line {line}): {failure}")]
pub struct ReplayError {
    /// The name of the trace.
    pub trace: String,
    /// The operation, counted from 0. If it is the number of all operations, the failure was found in a block that
    /// the trace never frees.
    pub operation: usize,
    /// The line of the trace's file.
    pub line: usize,
    /// What happened.
    pub failure: Failure,
}

/// What an allocator did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The request was refused.
    #[error("out of memory: {size} bytes were refused")]
    OutOfMemory {
        /// Bytes asked for.
        size: usize,
    },
    /// The payload does not start where it should.
    #[error("the payload at {address:#x} is not aligned to {align}")]
    Misaligned {
        /// Where it starts.
        address: usize,
        /// What that should be a multiple of.
        align: usize,
    },
    /// A payload does not hold what was written.
    #[error(
        "the payload of id {id} was changed: of its {size} bytes, the one at offset {offset} is the first that differs"
    )]
    Changed {
        /// The block.
        id: u32,
        /// The first byte that differs.
        offset: usize,
        /// The bytes of the block.
        size: usize,
    },
    /// Memory that should read as zero does not.
    #[error("of {size} bytes that should be zero, the one at offset {offset} is the first that is not")]
    NotZeroed {
        /// The first byte that is not zero.
        offset: usize,
        /// The bytes of the block.
        size: usize,
    },
}

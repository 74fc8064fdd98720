//! What comes before a measurement of resident memory.

use crate::{Op, Trace};

/// A trace that asks for everything once, on a small scale. Checked in a process before its
/// [`ResidentWatch`](crate::ResidentWatch) starts, it keeps code out of the footprint: pages of code that was never run
/// are not resident yet, and not the allocator's doing.
#[must_use]
pub fn warm_up() -> Trace {
    let ops = vec![
        Op::Allocate { id: 0, size: 16 },
        Op::AllocateZeroed { id: 1, count: 1, size: 16 },
        Op::AllocateAligned { id: 2, size: 16, align: 32 },
        Op::Resize { id: 0, size: 64 },
    ];
    Trace::new("warm-up", 3, ops).expect("a sound trace")
}

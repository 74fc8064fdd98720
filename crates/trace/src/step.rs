//! The operations of a trace, prepared for replay.

use crate::target::PLAIN_ALIGN;
use crate::{Op, Trace};

/// What is to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Allocate,
    Zeroed,
    Aligned,
    Resize,
    Free,
}

/// An operation with what is known beforehand about its block. The sizes are facts of the trace: worked out here,
/// they need not be stored and fetched while the clock runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Bytes the block has afterwards.
    pub(crate) size: usize,
    /// Bytes the block has before: 0 for an allocation.
    pub(crate) old_size: usize,
    pub(crate) id: u32,
    pub(crate) kind: Kind,
    align_log2: u8,
}

const _: () = assert!(size_of::<Step>() == 24, "a step is three words");

impl Step {
    /// The alignment of the block.
    #[inline]
    pub(crate) fn align(self) -> usize {
        1 << self.align_log2
    }

    /// `op`, where `before` was the last step of the same id.
    fn new(op: Op, before: Option<Self>) -> Self {
        let (kind, align) = match op {
            Op::Allocate { .. } => (Kind::Allocate, PLAIN_ALIGN),
            Op::AllocateZeroed { .. } => (Kind::Zeroed, PLAIN_ALIGN),
            Op::AllocateAligned { align, .. } => (Kind::Aligned, align),
            Op::Resize { .. } => (Kind::Resize, before.map_or(PLAIN_ALIGN, Self::align)),
            Op::Free { .. } => (Kind::Free, before.map_or(PLAIN_ALIGN, Self::align)),
        };
        Self {
            size: op.size().expect("a trace holds no size that overflows"),
            old_size: before.map_or(0, |step| step.size),
            id: op.id(),
            kind,
            align_log2: align.trailing_zeros() as u8,
        }
    }

    /// Frees the block that this step leaves behind; `None` if it leaves none.
    fn undone(self) -> Option<Self> {
        let free = Self { kind: Kind::Free, old_size: self.size, size: 0, ..self };
        (self.kind != Kind::Free).then_some(free)
    }
}

/// The steps of `trace`.
pub(crate) fn steps(trace: &Trace) -> Box<[Step]> {
    let mut last = vec![None; trace.ids() as usize];
    let step = |&op: &Op| {
        let last: &mut Option<Step> = &mut last[op.id() as usize];
        let step = Step::new(op, *last);
        *last = step.undone().map(|_| step);
        step
    };
    trace.ops().iter().map(step).collect()
}

/// The steps that free what `steps` leave allocated, by id.
pub(crate) fn leftovers(steps: &[Step], ids: usize) -> Box<[Step]> {
    let mut last = vec![None; ids];
    for step in steps {
        last[step.id as usize] = step.undone();
    }
    last.into_iter().flatten().collect()
}

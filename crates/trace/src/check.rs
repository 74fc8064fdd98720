//! Replays a trace and verifies every byte.

use std::ptr::NonNull;

use crate::failure::{Failure, ReplayError};
use crate::replay::{Replay, call};
use crate::step::{Kind, Step};
use crate::{Target, pattern};

/// Where a replay is, as its observer is told after every operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The operation just done, counted from 0.
    pub operation: usize,
    /// Bytes of all allocated payloads, as asked for.
    pub live_bytes: usize,
    /// Bytes of all allocated payloads, as large as they turned out: 0 if the target does not tell.
    pub usable_bytes: usize,
    /// The number of allocated payloads.
    pub live_blocks: usize,
    /// The payload that the operation returned: `None` for a free.
    pub payload: Option<NonNull<u8>>,
}

/// What a replay without fault found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The number of operations.
    pub operations: usize,
    /// The most bytes that were allocated at once, as asked for.
    pub peak_live_bytes: usize,
}

impl Replay<'_> {
    /// Replays the trace once and verifies what the target returns: alignment, zeros where they were asked for, and
    /// that payloads keep what was written. Every byte of every payload is filled with a pattern of its block, and
    /// compared when the block is freed and across every resize.
    ///
    /// `observe` is called after every operation.
    ///
    /// # Errors
    /// The first thing that is wrong. What was allocated until then is freed only if the target merely refused a
    /// request.
    ///
    /// # Panics
    /// If the target or `observe` does. What was allocated until then is forgotten; the next replay starts afresh.
    pub fn check<T: Target>(
        &mut self,
        target: &mut T,
        mut observe: impl FnMut(&T, Progress),
    ) -> Result<Checked, ReplayError> {
        self.forget();
        let (mut progress, mut peak_live_bytes) = (Progress::default(), 0);
        for operation in 0..self.steps.len() {
            let step = self.steps[operation];
            let done = self.check_step(target, operation, step)?;
            progress.account(operation, step, done);
            peak_live_bytes = peak_live_bytes.max(progress.live_bytes);
            observe(target, progress);
        }
        for index in 0..self.leftovers.len() {
            self.check_step(target, self.steps.len(), self.leftovers[index])?;
        }
        Ok(Checked { operations: self.steps.len(), peak_live_bytes })
    }

    fn check_step<T: Target>(
        &mut self,
        target: &mut T,
        operation: usize,
        step: Step,
    ) -> Result<Done, ReplayError> {
        let slot = &mut self.slots[step.id as usize];
        // SAFETY: the slot holds what the target returned for this block in an earlier step, filled since, and a
        // trace uses no block that was freed.
        match unsafe { checked(step, *slot, target) } {
            Ok(done) => {
                *slot = done.payload;
                Ok(done)
            }
            Err(failure) => Err(self.failed(target, operation, failure)),
        }
    }
}

/// The outcome of a step.
struct Done {
    payload: Option<NonNull<u8>>,
    /// Usable bytes of the block before and after, as far as the target tells.
    usable: (usize, usize),
}

impl Progress {
    fn account(&mut self, operation: usize, step: Step, done: Done) {
        self.operation = operation;
        self.live_bytes = self.live_bytes - step.old_size + step.size;
        self.usable_bytes = self.usable_bytes - done.usable.0 + done.usable.1;
        match step.kind {
            Kind::Free => self.live_blocks -= 1,
            Kind::Resize => {}
            Kind::Allocate | Kind::Zeroed | Kind::Aligned => self.live_blocks += 1,
        }
        self.payload = done.payload;
    }
}

/// Does what a step asks, verifies the outcome and fills the payload.
///
/// # Safety
/// - As for [`call`]; and the payload holds the pattern.
unsafe fn checked<T: Target>(
    step: Step,
    before: Option<NonNull<u8>>,
    target: &mut T,
) -> Result<Done, Failure> {
    let Step { id, size, old_size, kind, .. } = step;
    let kept = size.min(old_size);
    if let Some(payload) = before {
        // What the step is about to drop: all of it, unless a resize keeps the beginning.
        // SAFETY: the payload has `old_size` bytes and was filled.
        unsafe { verify(payload, step, kept..old_size, old_size)? };
    }
    // SAFETY: the payload is allocated.
    let usable_before = unsafe { usable(before, target) };
    // SAFETY: passed on.
    let after = unsafe { call(step, before, target) };
    // SAFETY: the payload was just allocated.
    let done = Done { payload: after, usable: (usable_before, unsafe { usable(after, target) }) };
    let Some(payload) = after else {
        return if kind == Kind::Free { Ok(done) } else { Err(Failure::OutOfMemory { size }) };
    };
    let (address, align) = (payload.addr().get(), required_align::<T>(step));
    if !address.is_multiple_of(align) {
        return Err(Failure::Misaligned { address, align });
    }
    // SAFETY: the payload has `size` bytes; a resize keeps the filled ones up to `kept`, and zeroed memory is
    // initialised.
    unsafe {
        if kind == Kind::Zeroed
            && let Some(offset) = pattern::first_set(payload, size)
        {
            return Err(Failure::NotZeroed { offset, size });
        }
        verify(payload, step, 0..kept, size)?;
        pattern::fill(payload, id, kept..size);
    }
    Ok(done)
}

/// # Safety
/// - The payload, if any, is allocated in `target`.
unsafe fn usable<T: Target>(payload: Option<NonNull<u8>>, target: &T) -> usize {
    // SAFETY: passed on.
    payload.and_then(|payload| unsafe { target.usable_size(payload) }).unwrap_or(0)
}

/// # Safety
/// - As for [`pattern::first_change`].
unsafe fn verify(
    payload: NonNull<u8>,
    step: Step,
    range: std::ops::Range<usize>,
    size: usize,
) -> Result<(), Failure> {
    // SAFETY: passed on.
    match unsafe { pattern::first_change(payload, step.id, range) } {
        Some(offset) => Err(Failure::Changed { id: step.id, offset, size }),
        None => Ok(()),
    }
}

/// `realloc` keeps the alignment of `malloc` and no more.
fn required_align<T: Target>(step: Step) -> usize {
    match step.kind {
        Kind::Aligned => step.align(),
        Kind::Resize => T::ALIGN.min(step.align()),
        Kind::Allocate | Kind::Zeroed | Kind::Free => T::ALIGN,
    }
}

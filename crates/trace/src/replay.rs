//! Replays a trace, with nothing but the calls.

use std::ptr::NonNull;
use std::time::{Duration, Instant};

use crate::failure::{Failure, ReplayError};
use crate::step::{self, Kind, Step};
use crate::{Target, Trace};

/// A trace prepared for replay: its operations, and a table of the blocks that are allocated. All of it is memory
/// that has been written, so a replay touches no new page but those of its target.
pub struct Replay<'t> {
    pub(crate) trace: &'t Trace,
    pub(crate) steps: Box<[Step]>,
    /// Frees what the trace leaves allocated.
    pub(crate) leftovers: Box<[Step]>,
    /// The payload of every allocated id. Between replays all are `None`, unless the last one ended in a panic.
    pub(crate) slots: Box<[Option<NonNull<u8>>]>,
}

impl<'t> Replay<'t> {
    /// Prepares `trace`.
    #[must_use]
    pub fn new(trace: &'t Trace) -> Self {
        let ids = trace.ids() as usize;
        let steps = step::steps(trace);
        let leftovers = step::leftovers(&steps, ids);
        // Zeroed memory would be pages set aside but not touched; any other value makes them real.
        let mut slots = vec![Some(NonNull::dangling()); ids].into_boxed_slice();
        std::hint::black_box(&mut slots).fill(None);
        Self { trace, steps, leftovers, slots }
    }

    /// The trace.
    #[must_use]
    pub fn trace(&self) -> &'t Trace {
        self.trace
    }

    /// Replays the trace once and returns how long it took. Between the clock's two ticks there are only the calls,
    /// the table of pointers, and one byte written to each payload: a program does write what it allocates. What
    /// the trace leaves allocated is freed afterwards.
    ///
    /// # Errors
    /// If the target refuses a request. Everything allocated until then is freed.
    ///
    /// # Panics
    /// If the target does. What was allocated until then is forgotten; the next replay starts afresh.
    pub fn time<T: Target>(&mut self, target: &mut T) -> Result<Duration, ReplayError> {
        self.forget();
        let started = Instant::now();
        let outcome = run(&self.steps, &mut self.slots, target);
        let elapsed = started.elapsed();
        match outcome {
            Ok(()) => {
                self.free_leftovers(target);
                Ok(elapsed)
            }
            Err(operation) => {
                let size = self.steps[operation].size;
                Err(self.failed(target, operation, Failure::OutOfMemory { size }))
            }
        }
    }

    /// Empties the table. A replay begins with that: one that ended in a panic, of its target or its observer, has
    /// left pointers that no other target must ever see.
    pub(crate) fn forget(&mut self) {
        self.slots.fill(None);
    }

    /// Ends a replay that failed in `operation`: makes the error, and the table empty. What is allocated is freed if
    /// the target merely refused; one that damaged a payload is better not asked for anything more.
    #[cold]
    pub(crate) fn failed<T: Target>(
        &mut self,
        target: &mut T,
        operation: usize,
        failure: Failure,
    ) -> ReplayError {
        if matches!(failure, Failure::OutOfMemory { .. }) {
            let leftovers = step::leftovers(&self.steps[..operation], self.slots.len());
            free_all(&leftovers, &mut self.slots, target);
        }
        self.forget();
        let line = self.trace.line(operation);
        ReplayError { trace: self.trace.name().to_owned(), operation, line, failure }
    }

    fn free_leftovers<T: Target>(&mut self, target: &mut T) {
        free_all(&self.leftovers, &mut self.slots, target);
    }
}

impl std::fmt::Debug for Replay<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Replay({}, {} operations)", self.trace.name(), self.steps.len())
    }
}

fn free_all<T: Target>(leftovers: &[Step], slots: &mut [Option<NonNull<u8>>], target: &mut T) {
    run(leftovers, slots, target).expect("a free is never refused");
}

/// Takes the steps; stops at the first that is refused and returns its number.
///
/// Never inlined: what stands around the call must not change the code that is timed.
#[inline(never)]
fn run<T: Target>(steps: &[Step], slots: &mut [Option<NonNull<u8>>], target: &mut T) -> Result<(), usize> {
    for (number, &step) in steps.iter().enumerate() {
        let slot = &mut slots[step.id as usize];
        // SAFETY: the slot holds what the target returned for this block in an earlier step, and a trace uses no
        // block that was freed.
        let payload = unsafe { call(step, *slot, target) };
        if payload.is_none() && step.kind != Kind::Free {
            return Err(number);
        }
        *slot = payload;
        if let Some(payload) = payload
            && step.size != 0
        {
            // SAFETY: the target returned a payload of `size` bytes.
            unsafe { payload.write(1) };
        }
    }
    Ok(())
}

/// Does what a step asks; `payload` is that of its block, if it is allocated. Returns what it is afterwards.
///
/// # Safety
/// - `payload` came from `target`, with the size and alignment that the step states, and was not freed since.
#[inline(always)]
pub(crate) unsafe fn call<T: Target>(
    step: Step,
    payload: Option<NonNull<u8>>,
    target: &mut T,
) -> Option<NonNull<u8>> {
    match step.kind {
        Kind::Allocate => target.allocate(step.size),
        Kind::Zeroed => target.allocate_zeroed(step.size),
        Kind::Aligned => target.allocate_aligned(step.size, step.align()),
        // SAFETY: passed on.
        Kind::Resize => unsafe { target.resize(payload?, step.old_size, step.align(), step.size) },
        Kind::Free => {
            // SAFETY: passed on.
            unsafe { target.free(payload?, step.old_size, step.align()) };
            None
        }
    }
}

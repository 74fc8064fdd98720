//! What real programs asked of `malloc`, replayed.
//!
//! The six traces that come with `snugfit-trace`: a compiler, a version control system, three interpreters and a database.
//! Every thread replays all of them, one after the other, and for each they wait for one another: so what is live at once
//! depends little on which of them is ahead. Threads share no block.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::{Barrier, OnceLock};

use snugfit_trace::{Global, Replay, Target, Trace, bundled};

use super::threads::side_by_side;
use super::{Plan, Workload};
use crate::allocator::{Handle, Served, touch};

/// How often a thread goes through all traces, in full measure.
const PASSES: usize = 5;

pub(crate) struct Replays<S> {
    passes: usize,
    workers: Vec<Worker>,
    allocator: PhantomData<S>,
}

/// All of them, read once.
fn traces() -> &'static [Trace] {
    static TRACES: OnceLock<Vec<Trace>> = OnceLock::new();
    TRACES.get_or_init(|| {
        let read = bundled().iter().map(|trace| trace.read().expect("a bundled trace is sound"));
        read.collect()
    })
}

impl<S: Served> Workload for Replays<S> {
    fn prepare(plan: Plan) -> Self {
        let worker = |_| Worker(traces().iter().map(Replay::new).collect());
        Self {
            passes: plan.times(PASSES),
            workers: (0..plan.threads).map(worker).collect(),
            allocator: PhantomData,
        }
    }

    fn run(self) -> u64 {
        let (passes, together) = (self.passes, &Barrier::new(self.workers.len()));
        side_by_side(
            self.workers.into_iter().map(|worker| move || worker.work::<S>(passes, together)).collect(),
        )
    }
}

/// The replays of one thread.
struct Worker(Vec<Replay<'static>>);

// SAFETY: what keeps a replay on its thread is its table of pointers to blocks, and between replays there are none.
unsafe impl Send for Worker {}

impl Worker {
    fn work<S: Served>(mut self, passes: usize, together: &Barrier) -> u64 {
        let mut operations = 0;
        for _ in 0..passes {
            for one in &mut self.0 {
                together.wait();
                operations += replay::<S>(one);
            }
        }
        operations
    }
}

/// Returns the number of its operations.
fn replay<S: Served>(replay: &mut Replay<'_>) -> u64 {
    replay.time(&mut Written(Global(Handle::<S>::new()))).expect("the allocator has memory");
    replay.trace().ops().len() as u64
}

/// A target whose payloads are written to, page by page: a replay alone writes a single byte, and of a large block little
/// would be resident.
struct Written<T>(T);

impl<T> Written<T> {
    /// Writes to a payload of `size` bytes.
    ///
    /// # Safety
    /// - The payload, if there is one, has that many bytes, and nobody else uses them.
    #[inline]
    unsafe fn written(payload: Option<NonNull<u8>>, size: usize) -> Option<NonNull<u8>> {
        if let Some(payload) = payload {
            let bytes = NonNull::slice_from_raw_parts(payload.cast::<MaybeUninit<u8>>(), size);
            // SAFETY: the caller's promise; these bytes need not hold anything yet.
            touch(unsafe { &mut *bytes.as_ptr() });
        }
        payload
    }
}

// SAFETY: all payloads are those of a target that promises the same, and nothing is written beyond them.
unsafe impl<T: Target> Target for Written<T> {
    #[inline]
    fn allocate(&mut self, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: a new payload of that size.
        unsafe { Self::written(self.0.allocate(size), size) }
    }

    #[inline]
    fn allocate_zeroed(&mut self, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: a new payload of that size.
        unsafe { Self::written(self.0.allocate_zeroed(size), size) }
    }

    #[inline]
    fn allocate_aligned(&mut self, size: usize, align: usize) -> Option<NonNull<u8>> {
        // SAFETY: a new payload of that size.
        unsafe { Self::written(self.0.allocate_aligned(size, align), size) }
    }

    #[inline]
    unsafe fn resize(
        &mut self,
        payload: NonNull<u8>,
        old_size: usize,
        align: usize,
        size: usize,
    ) -> Option<NonNull<u8>> {
        // SAFETY: passed on; what comes back has the new size.
        unsafe { Self::written(self.0.resize(payload, old_size, align, size), size) }
    }

    #[inline]
    unsafe fn free(&mut self, payload: NonNull<u8>, size: usize, align: usize) {
        // SAFETY: passed on.
        unsafe { self.0.free(payload, size, align) };
    }
}

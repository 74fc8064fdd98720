//! The strategies, ready to be run.

use std::time::Duration;

use anyhow::Result;
use snugfit_heap::Heap;
use snugfit_index::FreeIndex;
use snugfit_source::{Mapped, os};
use snugfit_tag::Key;
use snugfit_trace::{Breakdown, Measure, Progress, Replay, ReplayError, SystemMalloc};

use crate::footprint;
use crate::strategy::Strategy;

/// Longer than it takes to fill the caches by so much that it does not show.
const LONG: Duration = Duration::from_millis(300);

/// What a trace needs of memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Space {
    pub(crate) peak_live_bytes: usize,
    pub(crate) peak_footprint_bytes: usize,
    /// `None` where the allocator does not tell.
    pub(crate) breakdown: Option<Breakdown>,
}

/// Is told after every operation.
pub(crate) type Observer<'a> = dyn FnMut(Progress) + 'a;

/// The peak of live bytes, and that of the footprint where the allocator accounts for it.
pub(crate) type Peaks = (usize, Option<usize>);

/// A strategy with its memory. Measured first, then timed, so that every timed pass finds its pages mapped.
pub(crate) trait Contender {
    /// Replays the trace with every byte verified, and measures the footprint.
    fn measure(&mut self, replay: &mut Replay<'_>) -> Result<Space>;

    /// Replays the trace with nothing but the calls.
    fn pass(&mut self, replay: &mut Replay<'_>) -> Result<Duration, ReplayError>;

    /// Times one pass, after one that is not timed: the strategies take turns, and each finds the processor's caches
    /// full of the others' memory. A pass that is long by itself does not mind.
    fn time(&mut self, replay: &mut Replay<'_>) -> Result<Duration, ReplayError> {
        let first = self.pass(replay)?;
        if first > LONG { Ok(first) } else { self.pass(replay) }
    }

    /// Replays the trace in this process with every byte verified.
    fn check(&mut self, replay: &mut Replay<'_>, observe: &mut Observer<'_>) -> Result<Peaks, ReplayError>;
}

/// A heap over anonymous mappings.
pub(crate) struct Heaped<I: FreeIndex> {
    /// `None` only while it is dropped.
    heap: Option<Heap<Mapped, I>>,
}

impl<I: FreeIndex> Heaped<I> {
    pub(crate) fn new() -> Self {
        let [mask, multiplier] = os::random_words();
        Self { heap: Some(Heap::new(Mapped::new(), Key::new(mask, multiplier))) }
    }

    fn heap(&mut self) -> &mut Heap<Mapped, I> {
        self.heap.as_mut().expect("a heap that is not being dropped")
    }
}

impl<I: FreeIndex> Contender for Heaped<I> {
    fn measure(&mut self, replay: &mut Replay<'_>) -> Result<Space> {
        let Measure { peak_live_bytes, peak_footprint_bytes, breakdown, .. } =
            Measure::of(replay, self.heap())?;
        Ok(Space { peak_live_bytes, peak_footprint_bytes, breakdown: Some(breakdown) })
    }

    fn pass(&mut self, replay: &mut Replay<'_>) -> Result<Duration, ReplayError> {
        replay.time(self.heap())
    }

    fn check(&mut self, replay: &mut Replay<'_>, observe: &mut Observer<'_>) -> Result<Peaks, ReplayError> {
        let checked = replay.check(self.heap(), |_, progress| observe(progress))?;
        Ok((checked.peak_live_bytes, Some(self.heap().peak_footprint())))
    }
}

impl<I: FreeIndex> Drop for Heaped<I> {
    fn drop(&mut self) {
        if let Some(heap) = self.heap.take() {
            // SAFETY: a replay frees what it allocated, or forgets it: no payload is used any more.
            unsafe { heap.release() };
        }
    }
}

/// The system's `malloc`.
pub(crate) struct System;

impl Contender for System {
    fn measure(&mut self, replay: &mut Replay<'_>) -> Result<Space> {
        footprint::in_own_process(Strategy::System, replay.trace())
    }

    fn pass(&mut self, replay: &mut Replay<'_>) -> Result<Duration, ReplayError> {
        replay.time(&mut SystemMalloc)
    }

    fn check(&mut self, replay: &mut Replay<'_>, observe: &mut Observer<'_>) -> Result<Peaks, ReplayError> {
        let checked = replay.check(&mut SystemMalloc, |_, progress| observe(progress))?;
        Ok((checked.peak_live_bytes, None))
    }
}

//! Counts of calls and of live bytes, for whoever asks for them before the first call.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use crate::{mode, sweep};

static COUNTING: AtomicBool = AtomicBool::new(false);

/// How often a kind of call was made.
pub(crate) struct Counter(AtomicUsize);

pub(crate) static ALLOCATIONS: Counter = Counter::new();
pub(crate) static RESIZES: Counter = Counter::new();
pub(crate) static FREES: Counter = Counter::new();

impl Counter {
    const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Counts one call, if calls are counted; and for the checks, if there are to be some.
    #[inline]
    pub(crate) fn count(&self) {
        sweep::tick();
        if COUNTING.load(Relaxed) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Relaxed)
    }
}

/// Whether calls are counted: then they take the slow paths, all of them, and those count.
#[inline]
pub(crate) fn is_counting() -> bool {
    COUNTING.load(Relaxed)
}

/// Says anew whether the fast paths have to do without a cache. After what decides it has changed.
pub(crate) fn hide_caches() {
    mode::hide_caches(is_counting() || sweep::is_due_at_all());
}

/// Counts calls from now on: this thread's next one, and those of other threads from the next slow path that they take.
pub(crate) fn start() {
    COUNTING.store(true, Relaxed);
    hide_caches();
}

/// Bytes that callers hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) bytes: usize,
    pub(crate) peak: usize,
}

impl Live {
    /// Callers got `more` bytes for `less` that they had.
    pub(crate) fn change(&mut self, more: usize, less: usize) {
        // What was allocated before the counting began is not in it.
        self.bytes = (self.bytes + more).saturating_sub(less);
        self.peak = self.peak.max(self.bytes);
    }
}

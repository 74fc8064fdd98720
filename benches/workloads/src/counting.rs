//! An allocator that counts what a workload asks for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use crate::allocator::Served;

/// The system's allocator, counted. A run on it is what `peak live` is taken from.
pub(crate) struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static FREED: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The most bytes that were allocated at once, as asked for.
pub(crate) fn peak_live() -> u64 {
    PEAK.load(Relaxed) as u64
}

fn count_in(size: usize) {
    ALLOCATED.fetch_add(size, Relaxed);
    let live = LIVE.fetch_add(size, Relaxed) + size;
    PEAK.fetch_max(live, Relaxed);
}

fn count_out(size: usize) {
    FREED.fetch_add(size, Relaxed);
    let before = LIVE.fetch_sub(size, Relaxed);
    assert!(size <= before, "{size} bytes are freed, and only {before} are allocated");
}

pub(crate) struct Counted;

// SAFETY: the system's allocator does it all.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_in(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_in(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // In this order, or a resize would count as two blocks at once.
        count_out(layout.size());
        count_in(size);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count_out(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) };
    }
}

impl Served for Counting {
    type Allocator = Counted;

    fn allocator() -> &'static Counted {
        &Counted
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::workload::{Plan, WorkloadName};

    /// One test for all, one after the other: they share the counters.
    #[test]
    fn every_workload_frees_what_it_allocates_once() {
        for &workload in WorkloadName::value_variants() {
            for threads in [1, 2, 3] {
                let (allocated, freed) = (ALLOCATED.load(Relaxed), FREED.load(Relaxed));
                let operations = workload.prepare_and_run::<Counting>(Plan { threads, divisor: 2000 });
                let allocated = ALLOCATED.load(Relaxed) - allocated;
                let freed = FREED.load(Relaxed) - freed;
                assert!(operations > 0, "{workload:?}");
                assert!(allocated > 0, "{workload:?} allocates nothing");
                assert_eq!(allocated, freed, "{workload:?} with {threads} threads");
                assert_eq!(LIVE.load(Relaxed), 0, "{workload:?} with {threads} threads");
            }
        }
        assert!(peak_live() > 0);
    }
}

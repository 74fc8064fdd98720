//! The allocators that are measured beside each other, call by call.

use std::alloc::System;
use std::fmt;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId};
use rlsf::GlobalTlsf;
use rusty_alloc_api::RustyAlloc;
use snugfit::Snugfit;
use snugfit_bins::BinsIndex;
use snugfit_tag::Compact;
use snugfit_trace::{Global, Target};
use talc::TalcCell;
use talc::source::Claim;

use crate::targets::{self, Dlmalloc};
use crate::{MemCalls, with_heap};

/// Something that every allocator can do.
pub trait Work {
    /// Does it `times` times over. Returns how long that took.
    fn run<T: Target>(&self, target: &mut T, times: u64) -> Duration;
}

/// The allocators, by the names that they have in results:
///
/// | name | what it is |
/// |---|---|
/// | `heap` | the heap with bins alone: no cache, no lock, for one thread |
/// | `snugfit` | the allocator of a process through `mem_alloc` and its family |
/// | `snugfit, sized` | the same as a `GlobalAlloc`: who frees says the size |
/// | `system` | `std::alloc::System` |
/// | `talc`, `dlmalloc` | without a lock, for one thread |
/// | `rlsf` | its global allocator, which has a lock |
/// | `rusty_alloc` | an allocator of a process |
///
/// There is one process, so what one benchmark leaves the next one finds: thresholds that were learned, pages that were
/// touched. Only each `heap` is a new one.
pub struct Contenders {
    talc: Global<TalcCell<Claim>>,
    dlmalloc: Dlmalloc,
    rlsf: Global<GlobalTlsf>,
}

impl Contenders {
    /// All of them. What they get from the system stays with them.
    ///
    /// # Panics
    /// If there is no address space for them.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it takes a system call, which may fail")]
    pub fn new() -> Self {
        Self { talc: targets::talc(), dlmalloc: Dlmalloc::new(), rlsf: targets::rlsf() }
    }

    /// Has all of them do `work`, in a group in which each has its `id`.
    pub fn compare(
        &mut self,
        group: &mut BenchmarkGroup<'_, WallTime>,
        id: impl Fn(&'static str) -> BenchmarkId,
        work: &impl Work,
    ) {
        with_heap::<BinsIndex, Compact, _>(|heap| measure(group, id("heap"), heap, work));
        self.compare_others(group, id, work);
    }

    /// Has all but the heap do `work`.
    pub fn compare_others(
        &mut self,
        group: &mut BenchmarkGroup<'_, WallTime>,
        id: impl Fn(&'static str) -> BenchmarkId,
        work: &impl Work,
    ) {
        measure(group, id("snugfit"), &mut MemCalls, work);
        measure(group, id("snugfit, sized"), &mut Global(Snugfit), work);
        measure(group, id("system"), &mut Global(System), work);
        measure(group, id("talc"), &mut self.talc, work);
        measure(group, id("dlmalloc"), &mut self.dlmalloc, work);
        measure(group, id("rlsf"), &mut self.rlsf, work);
        measure(group, id("rusty_alloc"), &mut Global(RustyAlloc), work);
    }
}

impl fmt::Debug for Contenders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contenders")
    }
}

fn measure<T: Target>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    target: &mut T,
    work: &impl Work,
) {
    group.bench_function(id, |bencher| bencher.iter_custom(|times| work.run(target, times)));
}

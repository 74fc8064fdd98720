//! Zeroed memory: cleared, or as the system delivers it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use snugfit_benches::{Contenders, Work, brief, with_heap};
use snugfit_bins::BinsIndex;
use snugfit_tag::Compact;
use snugfit_trace::Target;

use crate::rounds::{PLAIN, Shape, pairs};

/// Of memory that was used before.
const REUSED: [usize; 5] = [64, 1 << 10, 16 << 10, 256 << 10, 1 << 20];

/// Larger than the 32 MiB up to which Snugfit and glibc learn to keep such blocks: always a mapping of its own.
const MAPPED: usize = 40 << 20;

/// Of memory that nobody has used, and of such that somebody has.
const IN_HEAP: [usize; 3] = [4 << 10, 64 << 10, 1 << 20];

struct Zeroed(usize);

impl Work for Zeroed {
    fn run<T: Target>(&self, target: &mut T, times: u64) -> Duration {
        pairs(target, times, Shape { size: self.0, align: PLAIN }, |target| target.allocate_zeroed(self.0))
    }
}

fn reused(criterion: &mut Criterion) {
    compare(criterion, "zeroed/reused", &REUSED);
}

/// Who keeps its memory clears it, and loses.
fn mapped(criterion: &mut Criterion) {
    compare(criterion, "zeroed/mapped", &[MAPPED]);
}

fn compare(criterion: &mut Criterion, name: &str, sizes: &[usize]) {
    let mut contenders = Contenders::new();
    let mut group = criterion.benchmark_group(name);
    for &size in sizes {
        group.throughput(Throughput::Bytes(size as u64));
        contenders.compare(&mut group, |name| BenchmarkId::new(name, size), &Zeroed(size));
    }
    group.finish();
}

fn heap(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("zeroed/heap");
    for size in IN_HEAP {
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("fresh", size), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| fresh(size)).sum());
        });
        group.bench_function(BenchmarkId::new("reused", size), |bencher| {
            bencher.iter_custom(|times| {
                with_heap::<BinsIndex, Compact, _>(|heap| Zeroed(size).run(heap, times))
            });
        });
    }
    group.finish();
}

/// The first block of `size` bytes in a new heap. The heap grows for it, and the system delivers the one page that is
/// touched.
fn fresh(size: usize) -> Duration {
    with_heap::<BinsIndex, Compact, _>(|heap| {
        // Makes the reservation.
        heap.allocate(1).expect("memory for a block");
        let started = Instant::now();
        let block = black_box(heap.allocate_zeroed(size).expect("memory for a block"));
        // SAFETY: the block has a byte.
        unsafe { block.write(1) };
        started.elapsed()
    })
}

criterion_group! { name = benches; config = brief(); targets = reused, mapped, heap }

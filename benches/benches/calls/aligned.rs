//! Aligned blocks.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use snugfit_benches::{Contenders, Work, brief};
use snugfit_trace::Target;

use crate::rounds::{Shape, batches};

/// From what every block has, to a page.
const ALIGNS: [usize; 9] = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

/// Smaller than most of the alignments, so that there is much to skip, and to use for others.
const SIZE: usize = 200;

/// In a batch.
const BLOCKS: usize = 100;

struct Aligned {
    align: usize,
    order: Vec<usize>,
}

impl Work for Aligned {
    fn run<T: Target>(&self, target: &mut T, times: u64) -> Duration {
        let shape = Shape { size: SIZE, align: self.align };
        batches(target, times, shape, &self.order, |target| target.allocate_aligned(SIZE, self.align))
    }
}

fn aligned(criterion: &mut Criterion) {
    let mut contenders = Contenders::new();
    let mut group = criterion.benchmark_group("aligned");
    group.throughput(Throughput::Elements(BLOCKS as u64));
    for align in ALIGNS {
        let work = Aligned { align, order: (0..BLOCKS).collect() };
        contenders.compare(&mut group, |name| BenchmarkId::new(name, align), &work);
    }
    group.finish();
}

criterion_group! { name = benches; config = brief(); targets = aligned }

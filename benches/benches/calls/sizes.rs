//! Pairs and batches of each size.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use snugfit_benches::{Contenders, Random, Work, brief};
use snugfit_cache::Class;
use snugfit_tag::{Compact, Format};
use snugfit_trace::Target;

use crate::rounds::{PLAIN, Shape, batches, pairs};

/// Beyond the classes of the cache: doublings from 2 KiB to 1 MiB.
const LARGE: [usize; 10] =
    [2 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20];

/// The block sizes, headers included, of the classes of which there are batches. Programs ask for small ones.
const CLASSES: [usize; 7] = [32, 48, 64, 128, 256, 512, 1024];

/// A batch has this many bytes, and between [`FEWEST`] and [`MOST`] blocks.
const BATCH_BYTES: usize = 4 << 20;
const FEWEST: usize = 16;
const MOST: usize = 1000;

/// Any will do.
const SEED: u64 = 3;

/// The largest payload of a block.
fn payload(block_size: usize) -> usize {
    Compact::usable_size(block_size)
}

struct Pair(usize);

impl Work for Pair {
    fn run<T: Target>(&self, target: &mut T, times: u64) -> Duration {
        pairs(target, times, Shape { size: self.0, align: PLAIN }, |target| target.allocate(self.0))
    }
}

fn pair(criterion: &mut Criterion) {
    let mut contenders = Contenders::new();
    let mut group = criterion.benchmark_group("pair");
    for size in Class::all().map(Class::block_size).map(payload).chain(LARGE) {
        contenders.compare(&mut group, |name| BenchmarkId::new(name, size), &Pair(size));
    }
    group.finish();
}

/// In which order the blocks of a batch are freed.
#[derive(Clone, Copy)]
enum Order {
    LastFirst,
    FirstFirst,
    Random,
}

impl Order {
    const ALL: [Self; 3] = [Self::LastFirst, Self::FirstFirst, Self::Random];

    const fn name(self) -> &'static str {
        match self {
            Self::LastFirst => "last first",
            Self::FirstFirst => "first first",
            Self::Random => "random",
        }
    }

    /// The numbers from 0 to `count` in this order.
    fn of(self, count: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..count).collect();
        match self {
            Self::LastFirst => numbers.reverse(),
            Self::FirstFirst => {}
            Self::Random => Random::new(SEED).shuffle(&mut numbers),
        }
        numbers
    }
}

struct Batch {
    size: usize,
    order: Vec<usize>,
}

impl Work for Batch {
    fn run<T: Target>(&self, target: &mut T, times: u64) -> Duration {
        let shape = Shape { size: self.size, align: PLAIN };
        batches(target, times, shape, &self.order, |target| target.allocate(self.size))
    }
}

fn batch(criterion: &mut Criterion) {
    let mut contenders = Contenders::new();
    for order in Order::ALL {
        let mut group = criterion.benchmark_group(format!("batch/{}", order.name()));
        for size in CLASSES.map(payload).into_iter().chain(LARGE) {
            let count = (BATCH_BYTES / size).clamp(FEWEST, MOST);
            group.throughput(Throughput::Elements(count as u64));
            let batch = Batch { size, order: order.of(count) };
            contenders.compare(&mut group, |name| BenchmarkId::new(name, size), &batch);
        }
        group.finish();
    }
}

criterion_group! { name = benches; config = brief(); targets = pair, batch }

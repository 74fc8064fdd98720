//! Thread caches and their depot, without a heap behind them.

use std::hint::black_box;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use snugfit_benches::brief;
use snugfit_cache::{Class, Depot, ThreadCache};

use crate::supplier::Numbers;

/// Of blocks: the smallest, one whose magazines are full at 16 blocks, and the largest, whose magazines take 4.
const SIZES: [usize; 3] = [32, 256, 1024];

/// How many blocks of each class a thread has taken and put back before it leaves.
const LEFT: usize = 10;

/// The caches of two threads, and a depot and a supplier as an allocator has them behind its lock. There is no lock.
struct Stage {
    caches: [Box<ThreadCache>; 2],
    depot: Depot,
    supplier: Numbers,
}

impl Stage {
    fn new() -> Self {
        let cache = || Box::new(ThreadCache::NONE);
        Self { caches: [cache(), cache()], depot: Depot::new(), supplier: Numbers::new() }
    }

    /// Takes a block, wherever it comes from.
    #[inline]
    fn take(&mut self, thread: usize, class: Class) -> NonNull<u8> {
        let cache = &self.caches[thread];
        let near = cache.pop(class).or_else(|| cache.pop_reserve(class));
        near.or_else(|| cache.refill(class, &mut self.depot, &mut self.supplier))
            .or_else(|| cache.carve(class, true, &mut self.supplier))
            .expect("there is always one")
    }

    /// Puts a block in, wherever it ends.
    #[inline]
    fn put(&mut self, thread: usize, class: Class, block: NonNull<u8>) {
        let cache = &self.caches[thread];
        let has_room = cache.has_room(class)
            || cache.set_aside(class)
            || cache.make_room(class, &mut self.depot, &mut self.supplier);
        assert!(has_room, "there is memory for magazines");
        // SAFETY: there is room, and the block is nobody's.
        unsafe { cache.push(class, block) };
    }
}

fn hit(criterion: &mut Criterion) {
    each_size(criterion, "cache/hit", |stage, class| {
        let taken = stage.take(0, class);
        stage.put(0, class, taken);
    });
}

/// Blocks are taken and never put back: the supplier carves them all.
fn refill(criterion: &mut Criterion) {
    each_size(criterion, "cache/refill", |stage, class| {
        black_box(stage.take(0, class));
    });
}

/// Blocks come that were never taken, and nobody wants: they all end at the supplier.
fn flush(criterion: &mut Criterion) {
    each_size(criterion, "cache/flush", |stage, class| {
        let block = stage.supplier.block();
        stage.put(0, class, block);
    });
}

/// One thread takes, another one puts in: whole magazines go through the depot.
fn exchange(criterion: &mut Criterion) {
    each_size(criterion, "cache/exchange", |stage, class| {
        stage.supplier.is_shared = true;
        let taken = stage.take(0, class);
        stage.put(1, class, taken);
    });
}

/// Does `step` over and over, on a stage for each size.
fn each_size(criterion: &mut Criterion, name: &str, step: impl Fn(&mut Stage, Class)) {
    let mut group = criterion.benchmark_group(name);
    for size in SIZES {
        let class = Class::of_block(size).expect("a size that has a class");
        let mut stage = Stage::new();
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| step(&mut stage, class));
        });
    }
    group.finish();
}

/// A thread ends with blocks of every class, and then the depot gives all back to the supplier, for whom a block is no work:
/// what is left are the magazines, one of each class.
fn leave(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cache");
    group.throughput(Throughput::Elements(Class::all().count() as u64));
    let mut stage = Stage::new();
    group.bench_function("leave and drain", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| leave_once(&mut stage)).sum());
    });
    group.finish();
}

fn leave_once(stage: &mut Stage) -> Duration {
    for class in Class::all() {
        let taken: [_; LEFT] = std::array::from_fn(|_| stage.take(0, class));
        taken.into_iter().for_each(|block| stage.put(0, class, block));
    }
    let started = Instant::now();
    stage.caches[0].leave(&mut stage.depot, &mut stage.supplier);
    stage.depot.drain(&mut stage.supplier);
    started.elapsed()
}

criterion_group! { name = benches; config = brief(); targets = hit, refill, flush, exchange, leave }

//! Growth by resize: an array from 16 bytes upward. Each element of the throughput is one step of growth.
//!
//! - `in place`: the array is the last block, so growing it moves the top. No index has a part in that, hence one
//!   heap for all. Beside it stand the allocator of a process and others (see `snugfit_benches::Contenders`): all are asked
//!   the same, and move the array if they like, or give it a mapping of its own.
//! - `moving`: another block is behind the array wherever it goes. Each step takes a free block from the index, copies
//!   and puts the old one in.
//!
//! The others are not in the second, because nothing holds them to moving: they take the fences from wherever they keep
//! small blocks, and map large arrays apart from everything.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use snugfit_bins::BinsIndex;
use snugfit_index::FreeIndex;
use snugfit_list::ListIndex;
use snugfit_tag::Compact;
use snugfit_trace::Target;
use snugfit_tree::TreeIndex;

use snugfit_benches::{Contenders, Growth, Work, array_at_the_end, array_in_the_way, short, with_heap};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// The largest array of each growth, in place. A constant step to 16 MiB would be a quarter of a million of them.
const IN_PLACE: [(Growth, usize); 3] =
    [(Growth::Doubling, 16 * MIB), (Growth::Quarter, 16 * MIB), (Growth::Append, MIB)];

/// The same where it moves: with a constant step the bytes copied grow by the square, 32 MiB up to here.
const MOVING: [(Growth, usize); 3] =
    [(Growth::Doubling, 16 * MIB), (Growth::Quarter, 16 * MIB), (Growth::Append, 64 * KIB)];

type Group<'c> = BenchmarkGroup<'c, WallTime>;

/// Grows an array through these sizes.
struct Grow<'a>(&'a [usize]);

impl Work for Grow<'_> {
    fn run<T: Target>(&self, target: &mut T, times: u64) -> Duration {
        array_at_the_end(target, self.0, times).0
    }
}

fn in_place(criterion: &mut Criterion) {
    let mut contenders = Contenders::new();
    for (growth, limit) in IN_PLACE {
        let sizes = growth.sizes(limit);
        let mut group = group(criterion, "in place", growth, &sizes);
        group.bench_function("heap", |bencher| {
            bencher.iter_custom(|times| {
                let grown = with_heap::<BinsIndex, Compact, _>(|heap| array_at_the_end(heap, &sizes, times));
                assert_eq!(grown.1, 0, "nothing is behind the array");
                grown.0
            });
        });
        contenders.compare_others(&mut group, BenchmarkId::from_parameter, &Grow(&sizes));
        group.finish();
    }
}

fn moving(criterion: &mut Criterion) {
    for (growth, limit) in MOVING {
        let sizes = growth.sizes(limit);
        let mut group = group(criterion, "moving", growth, &sizes);
        move_with::<BinsIndex>(&mut group, "bins", &sizes);
        move_with::<TreeIndex>(&mut group, "tree", &sizes);
        move_with::<ListIndex>(&mut group, "list", &sizes);
        group.finish();
    }
}

fn move_with<I: FreeIndex>(group: &mut Group<'_>, name: &str, sizes: &[usize]) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let (elapsed, moves) = with_heap::<I, Compact, _>(|heap| array_in_the_way(heap, sizes, times));
            assert_eq!(moves as u64, times * (sizes.len() as u64 - 1), "the array is fenced in");
            elapsed
        });
    });
}

fn group<'c>(criterion: &'c mut Criterion, place: &str, growth: Growth, sizes: &[usize]) -> Group<'c> {
    let mut group = criterion.benchmark_group(format!("resize/{place}/{}", growth.name()));
    short(&mut group);
    group.throughput(Throughput::Elements(sizes.len() as u64 - 1));
    group
}

criterion_group!(benches, in_place, moving);
criterion_main!(benches);

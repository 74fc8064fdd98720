//! Recorded programs, replayed into a heap with each free index and each block format.
//!
//! The list sits out one program: among tens of thousands of free blocks a single replay takes it seconds.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use snugfit_bins::BinsIndex;
use snugfit_index::FreeIndex;
use snugfit_list::ListIndex;
use snugfit_tag::{Compact, Format, Mirrored};
use snugfit_trace::{Replay, Target, bundled};
use snugfit_tree::TreeIndex;

use snugfit_benches::{short, with_heap};

/// Where a list is not bearable.
const TOO_MANY_FOR_A_LIST: &str = "python3";

type Group<'c> = BenchmarkGroup<'c, WallTime>;

fn replays(criterion: &mut Criterion) {
    for bundled in bundled() {
        let trace = bundled.read().expect("a bundled trace is sound");
        let mut group = criterion.benchmark_group(format!("replay/{}", bundled.name));
        short(&mut group);
        group.throughput(Throughput::Elements(trace.ops().len() as u64));
        let replay = &mut Replay::new(&trace);
        bench::<BinsIndex, Compact>(&mut group, "bins", replay);
        bench::<BinsIndex, Mirrored>(&mut group, "bins, mirrored", replay);
        bench::<TreeIndex, Compact>(&mut group, "tree", replay);
        if bundled.name != TOO_MANY_FOR_A_LIST {
            bench::<ListIndex, Compact>(&mut group, "list", replay);
        }
        group.finish();
    }
}

fn bench<I: FreeIndex, F: Format>(group: &mut Group<'_>, name: &str, replay: &mut Replay<'_>) {
    with_heap::<I, F, _>(|heap| {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|passes| time(replay, heap, passes));
        });
    });
}

fn time<T: Target>(replay: &mut Replay<'_>, target: &mut T, passes: u64) -> Duration {
    (0..passes).map(|_| replay.time(target).expect("the system has memory")).sum()
}

criterion_group!(benches, replays);
criterion_main!(benches);

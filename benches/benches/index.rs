//! The free indices alone, over numbers of free blocks of distinct sizes.
//!
//! A round finds the best fit for a request, takes it and puts it back. The list walks all blocks in a search: where it
//! takes milliseconds and more, a sample is a single round.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use snugfit_bins::BinsIndex;
use snugfit_index::FreeIndex;
use snugfit_list::ListIndex;
use snugfit_tree::TreeIndex;

use snugfit_benches::{Pace, Population, Requests, short};

const COUNTS: [usize; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// From this many blocks on, a list is measured with the least effort that there is.
const MANY_FOR_A_LIST: usize = 100_000;

fn rounds(criterion: &mut Criterion) {
    for pace in Pace::ALL {
        for count in COUNTS {
            round::<BinsIndex>(criterion, pace, "bins", count);
            round::<TreeIndex>(criterion, pace, "tree", count);
            round::<ListIndex>(criterion, pace, "list", count);
        }
    }
}

fn round<I: FreeIndex>(criterion: &mut Criterion, pace: Pace, index: &str, count: usize) {
    let mut group = criterion.benchmark_group(format!("round/{}", pace.name()));
    short(&mut group);
    if index == "list" && count >= MANY_FOR_A_LIST {
        // The ten samples take as long as they take.
        group.warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_millis(1));
    }
    // Made when it is needed: a million blocks take a while, and a filter may leave this benchmark out.
    let mut prepared = None;
    group.bench_function(BenchmarkId::new(index, count), |bencher| {
        let (population, requests) = prepared.get_or_insert_with(|| {
            let population = Population::<I>::new(count);
            let requests = Requests::new(pace, population.largest());
            (population, requests)
        });
        bencher.iter(|| population.round(requests.draw()));
    });
    group.finish();
}

criterion_group!(benches, rounds);
criterion_main!(benches);

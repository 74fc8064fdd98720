//! How long to measure.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode};

/// Little more than a second for each benchmark of a group: there are many, and they differ by factors.
pub fn short(group: &mut BenchmarkGroup<'_, WallTime>) {
    group
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat);
}

/// Half a second for each benchmark, unless the command line says otherwise: there are a thousand of them, of calls that
/// take nanoseconds.
#[must_use]
pub fn brief() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300))
        .sample_size(10)
}

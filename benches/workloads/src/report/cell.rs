//! One contender in one place.

use serde::Serialize;
use snugfit_trace::median;

use crate::workload::WorkloadName;

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Sample {
    pub(crate) nanoseconds: u64,
    /// Of the workload, and of a preloaded library before.
    pub(crate) peak_rss_bytes: u64,
}

/// All runs of one contender on one workload with one number of threads.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cell {
    pub(crate) workload: WorkloadName,
    pub(crate) threads: usize,
    pub(crate) contender: String,
    /// Blocks allocated and resized in a run.
    pub(crate) operations: u64,
    /// The most bytes that were allocated at once, as asked for: in runs that were not timed, on an allocator that counts.
    pub(crate) peaks_live_bytes: Vec<u64>,
    /// What the process of the last of these runs had resident when it began.
    pub(crate) entry_rss_bytes: u64,
    pub(crate) samples: Vec<Sample>,
    /// How a run failed. After that there were no more.
    pub(crate) failure: Option<String>,
    pub(crate) median_peak_live_bytes: Option<f64>,
    pub(crate) median_nanoseconds: Option<f64>,
    pub(crate) median_peak_rss_bytes: Option<f64>,
    /// Peak live bytes over peak resident bytes, where a workload holds enough to tell.
    pub(crate) utilisation: Option<f64>,
}

impl Cell {
    /// Without any run yet.
    pub(crate) fn new(workload: WorkloadName, threads: usize, contender: &str) -> Self {
        Self {
            workload,
            threads,
            contender: contender.to_owned(),
            operations: 0,
            peaks_live_bytes: Vec::new(),
            entry_rss_bytes: 0,
            samples: Vec::new(),
            failure: None,
            median_peak_live_bytes: None,
            median_nanoseconds: None,
            median_peak_rss_bytes: None,
            utilisation: None,
        }
    }

    /// Takes the medians. One that failed has none: it is not known what the runs that went well would have been.
    pub(super) fn sum_up(&mut self) {
        self.median_peak_live_bytes = median_of(self.peaks_live_bytes.iter().copied());
        if self.failure.is_some() {
            return;
        }
        self.median_nanoseconds = median_of(self.samples.iter().map(|sample| sample.nanoseconds));
        self.median_peak_rss_bytes = median_of(self.samples.iter().map(|sample| sample.peak_rss_bytes));
        self.utilisation =
            self.median_peak_live_bytes.zip(self.resident()).map(|(live, resident)| live / resident);
    }

    /// The median of peak resident bytes, where it says something.
    pub(super) fn resident(&self) -> Option<f64> {
        self.median_peak_rss_bytes.filter(|&bytes| self.workload.fills_memory() && bytes > 0.0)
    }
}

fn median_of(values: impl Iterator<Item = u64>) -> Option<f64> {
    let mut values: Vec<f64> = values.map(|value| value as f64).collect();
    (!values.is_empty()).then(|| median(&mut values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(workload: WorkloadName) -> Cell {
        let mut cell = Cell::new(workload, 1, "one");
        cell.peaks_live_bytes = vec![50, 90, 20];
        cell.samples = [(9, 300), (1, 100), (4, 200)]
            .map(|(nanoseconds, peak_rss_bytes)| Sample { nanoseconds, peak_rss_bytes })
            .to_vec();
        cell
    }

    #[test]
    fn the_medians_are_of_each_quantity_alone() {
        let mut cell = cell(WorkloadName::Trees);
        cell.sum_up();
        assert_eq!(cell.median_nanoseconds, Some(4.0));
        assert_eq!(cell.median_peak_rss_bytes, Some(200.0));
        assert_eq!(cell.utilisation, Some(0.25));
    }

    #[test]
    fn a_failure_leaves_nothing_to_compare() {
        let mut cell = cell(WorkloadName::Trees);
        cell.failure = Some("it crashed".to_owned());
        cell.sum_up();
        assert_eq!((cell.median_nanoseconds, cell.utilisation), (None, None));
    }

    #[test]
    fn a_handful_of_blocks_says_nothing_about_density() {
        let mut cell = cell(WorkloadName::FalseSharingActive);
        cell.sum_up();
        assert_eq!((cell.median_nanoseconds, cell.utilisation), (Some(4.0), None));
    }
}

//! What came of it.

mod cell;
mod labels;
mod means;
pub(crate) mod picture;
pub(crate) mod tables;

use serde::Serialize;

use crate::contender::{Contender, Missing};
use crate::workload::WorkloadName;

pub(crate) use cell::{Cell, Sample};
pub(crate) use means::{Means, Ratio};

/// Where and of what it was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: Option<String>,
    pub(crate) cores: usize,
    pub(crate) kernel: Option<String>,
    /// Whether Linux gives large pages to whoever does not ask.
    pub(crate) huge_pages: Option<String>,
    /// On average, while this was measured.
    pub(crate) processors_used_by_others: Option<f64>,
    pub(crate) commit: Option<String>,
    pub(crate) command: Vec<String>,
}

/// What was to be measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Settings {
    pub(crate) rounds: usize,
    pub(crate) divisor: u32,
    pub(crate) threads: Vec<usize>,
    pub(crate) workloads: Vec<WorkloadName>,
}

/// Everything, as it is written to JSON.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    #[serde(flatten)]
    pub(crate) settings: Settings,
    /// The contender that ratios are to.
    pub(crate) reference: String,
    pub(crate) contenders: Vec<Contender>,
    pub(crate) missing: Vec<Missing>,
    /// By number of threads, by workload, by contender.
    pub(crate) cells: Vec<Cell>,
    /// By number of threads, and over all of them.
    pub(crate) means: Vec<Means>,
}

impl Results {
    /// Sums up `cells`.
    pub(crate) fn new(
        machine: Machine,
        settings: &Settings,
        contenders: Vec<Contender>,
        missing: Vec<Missing>,
        reference: String,
        mut cells: Vec<Cell>,
    ) -> Self {
        cells.iter_mut().for_each(Cell::sum_up);
        let scopes = settings.threads.iter().copied().map(Some).chain([None]);
        let means = scopes.flat_map(|threads| means::of(&cells, threads, &contenders, &reference)).collect();
        Self { machine, settings: settings.clone(), reference, contenders, missing, cells, means }
    }

    /// The cell of a place and a contender.
    fn cell(&self, workload: WorkloadName, threads: usize, contender: &str) -> Option<&Cell> {
        let same = |cell: &&Cell| {
            (cell.workload, cell.threads, &cell.contender[..]) == (workload, threads, contender)
        };
        self.cells.iter().find(same)
    }
}

/// Results to test with.
#[cfg(test)]
mod example {
    use super::*;
    use crate::contender::gather;

    /// Of all contenders that this build has: the first takes 1 ms and 1 MiB, the second 2 ms and 2 MiB, and so on.
    pub(super) fn results() -> Results {
        let (contenders, missing) = gather(&[], &[]).unwrap();
        let workloads = vec![WorkloadName::Trees, WorkloadName::FalseSharingActive];
        let settings = Settings { rounds: 1, divisor: 1, threads: vec![1, 2], workloads };
        let mut cells = Vec::new();
        for &threads in &settings.threads {
            for &workload in &settings.workloads {
                for (number, contender) in (1..).zip(&contenders) {
                    let mut cell = Cell::new(workload, threads, &contender.name);
                    cell.operations = 10;
                    cell.peaks_live_bytes.push(1 << 19);
                    let sample = Sample { nanoseconds: number * 1_000_000, peak_rss_bytes: number << 20 };
                    cell.samples.push(sample);
                    cells.push(cell);
                }
            }
        }
        let reference = contenders[1].name.clone();
        Results::new(Machine::default(), &settings, contenders, missing, reference, cells)
    }
}

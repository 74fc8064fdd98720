//! Geometric means.

use serde::Serialize;
use snugfit_trace::geometric_mean;

use super::Cell;
use crate::contender::Contender;

/// Of these the ratios to each peer are wanted.
const OURS: [&str; 2] = ["snugfit", "snugfit.so"];

/// A contender over all workloads, with one number of threads or with any.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Means {
    /// `None`: all of them.
    pub(crate) threads: Option<usize>,
    pub(crate) contender: String,
    /// Of what is known.
    pub(crate) utilisation: Option<f64>,
    /// To the reference.
    pub(crate) to_reference: Ratio,
    /// What ours take in terms of this one.
    pub(crate) ours: Vec<Ratio>,
}

/// What one contender takes in terms of another.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Ratio {
    pub(crate) of: String,
    pub(crate) to: String,
    pub(crate) time: Option<f64>,
    pub(crate) peak_rss: Option<f64>,
    /// Places without a failure of either, and those there are.
    pub(crate) places: usize,
    pub(crate) all_places: usize,
}

impl Ratio {
    /// Whether something is left out.
    pub(crate) const fn is_partial(&self) -> bool {
        self.places < self.all_places
    }
}

/// The means of all contenders.
pub(super) fn of(
    cells: &[Cell],
    threads: Option<usize>,
    contenders: &[Contender],
    reference: &str,
) -> Vec<Means> {
    let cells: Vec<&Cell> =
        cells.iter().filter(|cell| threads.is_none_or(|threads| cell.threads == threads)).collect();
    let ours: Vec<&str> =
        OURS.into_iter().filter(|name| contenders.iter().any(|one| one.name == *name)).collect();
    let means = |contender: &Contender| {
        let name = &contender.name[..];
        let own = cells.iter().filter(|cell| cell.contender == name);
        Means {
            threads,
            contender: name.to_owned(),
            utilisation: geometric_mean(own.filter_map(|cell| cell.utilisation)),
            to_reference: ratio(&cells, name, reference),
            ours: ours.iter().map(|ours| ratio(&cells, ours, name)).collect(),
        }
    };
    contenders.iter().map(means).collect()
}

fn ratio(cells: &[&Cell], of: &str, to: &str) -> Ratio {
    let mut pairs = Vec::new();
    for one in cells.iter().filter(|cell| cell.contender == of) {
        let same = |cell: &&&Cell| {
            (cell.workload, cell.threads, &cell.contender[..]) == (one.workload, one.threads, to)
        };
        pairs.extend(cells.iter().find(same).map(|other| (*one, *other)));
    }
    let quotients = |value: fn(&Cell) -> Option<f64>| -> Vec<f64> {
        pairs.iter().filter_map(|(one, other)| Some(value(one)? / value(other)?)).collect()
    };
    let times = quotients(|cell| cell.median_nanoseconds);
    Ratio {
        of: of.to_owned(),
        to: to.to_owned(),
        places: times.len(),
        all_places: pairs.len(),
        time: geometric_mean(times),
        peak_rss: geometric_mean(quotients(Cell::resident)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Sample;
    use crate::workload::WorkloadName::{self, FalseSharingActive, Strings, Trees};

    fn cell(workload: WorkloadName, contender: &str, nanoseconds: u64, peak_rss_bytes: u64) -> Cell {
        let mut cell = Cell::new(workload, 1, contender);
        cell.samples = vec![Sample { nanoseconds, peak_rss_bytes }];
        cell.sum_up();
        cell
    }

    #[test]
    fn ratios_are_geometric_means_over_the_places() {
        let cells = [
            cell(Trees, "a", 100, 10),
            cell(Trees, "b", 200, 20),
            cell(Strings, "a", 800, 40),
            cell(Strings, "b", 100, 10),
            // It has no part in what is said about memory.
            cell(FalseSharingActive, "a", 200, 1000),
            cell(FalseSharingActive, "b", 100, 1),
        ];
        let ratio = ratio(&cells.iter().collect::<Vec<_>>(), "a", "b");
        // Factors of 1/2, 8 and 2; and of 1/2 and 4.
        assert!((ratio.time.unwrap() - 2.0).abs() < 1e-9, "{ratio:?}");
        assert!((ratio.peak_rss.unwrap() - 2.0_f64.sqrt()).abs() < 1e-9, "{ratio:?}");
        assert!(!ratio.is_partial());
    }

    #[test]
    fn what_failed_is_left_out_of_both_and_that_is_said() {
        let mut failed = cell(Strings, "b", 1, 1);
        (failed.failure, failed.median_nanoseconds) = (Some("it crashed".to_owned()), None);
        let cells =
            [cell(Trees, "a", 100, 10), cell(Trees, "b", 200, 20), cell(Strings, "a", 800, 40), failed];
        let ratio = ratio(&cells.iter().collect::<Vec<_>>(), "a", "b");
        assert!((ratio.time.unwrap() - 0.5).abs() < 1e-9, "{ratio:?}");
        assert_eq!((ratio.places, ratio.all_places, ratio.is_partial()), (1, 2, true));
    }
}

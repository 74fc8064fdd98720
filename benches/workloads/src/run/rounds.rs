//! The rounds.
//!
//! In each round every contender runs once in every place, a place being a workload with a number of threads; and within
//! a place the contenders follow one another directly, beginning with another one in every round. So whatever else the
//! machine does meanwhile troubles all of them alike.

use std::path::Path;

use anyhow::{Context, Result, anyhow};

use super::child::measure;
use super::progress::Progress;
use crate::child::Outcome;
use crate::contender::Contender;
use crate::report::{Cell, Sample, Settings};
use crate::workload::WorkloadName;

pub(super) struct Schedule<'a> {
    pub(super) contenders: &'a [Contender],
    pub(super) workloads: &'a [WorkloadName],
    pub(super) threads: &'a [usize],
    pub(super) rounds: usize,
    /// Only this fraction of the work.
    pub(super) divisor: u32,
}

impl Schedule<'_> {
    pub(super) fn settings(&self) -> Settings {
        Settings {
            rounds: self.rounds,
            divisor: self.divisor,
            threads: self.threads.to_vec(),
            workloads: self.workloads.to_vec(),
        }
    }

    /// Measures everything: place by place, with a cell for each contender, in their order.
    ///
    /// # Errors
    /// If the run that counts fails. A contender that fails is a result.
    pub(super) fn run(&self) -> Result<Vec<Cell>> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut places = self.places();
        let progress = Progress::new(places.len() * self.rounds * (1 + self.contenders.len()));
        for round in 0..self.rounds {
            for place in &mut places {
                self.count(&program, place, &progress)?;
                let contenders = place.len();
                for turn in 0..contenders {
                    self.fill(&program, &mut place[(round + turn) % contenders], &progress);
                }
            }
        }
        Ok(places.into_iter().flatten().collect())
    }

    fn places(&self) -> Vec<Vec<Cell>> {
        let cells = |workload, threads| {
            let cell = |contender: &Contender| Cell::new(workload, threads, &contender.name);
            self.contenders.iter().map(cell).collect()
        };
        let of = |&threads| self.workloads.iter().map(move |&workload| cells(workload, threads));
        self.threads.iter().flat_map(of).collect()
    }

    /// Finds out what is live at once in a place, and what is resident before anything is. Of several threads one is now
    /// ahead and now another, so this is taken as often as everything else.
    fn count(&self, program: &Path, place: &mut [Cell], progress: &Progress) -> Result<()> {
        let (workload, threads) = (place[0].workload, place[0].threads);
        progress.say(format!("{} x {threads}, counting", workload.name()));
        let counted = measure(program, &Contender::counting(), workload, threads, self.divisor)
            .map_err(|how| anyhow!("{} x {threads}, counting: {how}", workload.name()))?;
        let peak_live = counted.peak_live_bytes.context("the allocator that counts did not")?;
        for cell in place {
            cell.peaks_live_bytes.push(peak_live);
            cell.entry_rss_bytes = counted.entry_rss_bytes;
        }
        progress.step();
        Ok(())
    }

    /// Takes one more sample, unless there was a failure before.
    fn fill(&self, program: &Path, cell: &mut Cell, progress: &Progress) {
        let contender = self.contenders.iter().find(|contender| contender.name == cell.contender);
        if let (Some(contender), None) = (contender, &cell.failure) {
            let place = format!("{} x {}, {}", cell.workload.name(), cell.threads, contender.name);
            progress.say(place.clone());
            match measure(program, contender, cell.workload, cell.threads, self.divisor) {
                Ok(outcome) => {
                    cell.operations = outcome.operations;
                    cell.samples.push(sample(&outcome, cell.entry_rss_bytes));
                }
                Err(how) => {
                    progress.note(&format!("{place}: {how}"));
                    cell.failure = Some(how);
                }
            }
        }
        progress.step();
    }
}

/// A sample of a run, where a process without a preloaded library has `entry` bytes resident when it begins. What another
/// has beyond that its library has taken.
fn sample(outcome: &Outcome, entry: u64) -> Sample {
    let taken = outcome.entry_rss_bytes.saturating_sub(entry);
    Sample { nanoseconds: outcome.nanoseconds, peak_rss_bytes: taken + outcome.rss_growth_bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_library_takes_before_the_program_starts_counts() {
        let outcome = Outcome {
            nanoseconds: 5,
            operations: 1,
            entry_rss_bytes: 700,
            rss_growth_bytes: 1000,
            peak_live_bytes: None,
        };
        assert_eq!(sample(&outcome, 500), Sample { nanoseconds: 5, peak_rss_bytes: 1200 });
        assert_eq!(sample(&outcome, 800), Sample { nanoseconds: 5, peak_rss_bytes: 1000 });
    }
}

//! How many runs there are in which memory, and what of their marks was touched.

use crate::marks::{Marks, REGION_PAGES, REGIONS};
use crate::run::{PAGE, PIECE, Run};

/// All regions of memory.
#[derive(Debug)]
pub(crate) struct Regions {
    regions: [Region; REGIONS],
    /// Bytes of marks, and of what is known of runs, that were touched.
    touched: usize,
}

/// What is known of 2 MiB of memory.
#[derive(Clone, Copy, Debug)]
struct Region {
    runs: u16,
    /// A bit for each page of its marks that was touched.
    touched: u16,
}

/// How many pages share a page of marks.
const SHARING: u32 = PIECE as u32;

/// Bytes of what is known of the runs of a region, in whole pages.
const OF_RUNS: usize = (REGION_PAGES * size_of::<Run>()).next_multiple_of(PAGE);

const _: () = assert!(REGION_PAGES == u16::BITS as usize * SHARING as usize);

impl Regions {
    pub(crate) const NONE: Self = Self { regions: [Region { runs: 0, touched: 0 }; REGIONS], touched: 0 };

    /// Bytes that lie beside the runs and were touched for them: whole pages.
    pub(crate) const fn touched(&self) -> usize {
        self.touched
    }

    fn of(&mut self, number: u32) -> &mut Region {
        // SAFETY: the remainder is less than there are.
        unsafe { self.regions.get_unchecked_mut(number as usize / REGION_PAGES % REGIONS) }
    }

    /// Page `number` becomes a run.
    pub(crate) fn add(&mut self, number: u32) {
        let region = self.of(number);
        let bit = 1 << (number / SHARING % u16::BITS);
        let marks = if region.touched & bit == 0 { PAGE } else { 0 };
        let runs = if region.touched == 0 { OF_RUNS } else { 0 };
        (region.runs, region.touched) = (region.runs + 1, region.touched | bit);
        self.touched += marks + runs;
    }

    /// Page `number` is no run any more.
    pub(crate) fn remove(&mut self, number: u32) {
        self.of(number).runs -= 1;
    }

    /// Drops the memory of the marks of regions without a run. Returns how many bytes that were.
    pub(crate) fn purge(&mut self, marks: &Marks) -> usize {
        let mut purged = 0;
        for (at, region) in self.regions.iter_mut().enumerate() {
            if region.runs == 0 && region.touched != 0 {
                self.touched -= region.touched.count_ones() as usize * PAGE + OF_RUNS;
                region.touched = 0;
                // SAFETY: no run is there.
                purged += unsafe { marks.purge(at) };
            }
        }
        purged
    }
}

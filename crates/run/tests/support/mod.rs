//! What the tests of runs share: memory for pages, and what is to be known of classes.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::num::NonZero;
use std::ops::Range;
use std::ptr::NonNull;

use snugfit_run::{CLASSES, Marks, PAGE, Runs, TINY};
use snugfit_source::{Extent, os};

/// Memory that lies so far apart has its marks in the same place.
pub const APART: usize = 8 << 30;

/// Bytes at the end of a page that are not its run's.
pub const LAST: usize = 8;

/// Whose the runs are where that does not matter.
pub const OWNER: u8 = 3;

const GRANULE: usize = 16;

/// Seeds that random tests run.
const SEEDS: u64 = 12;

/// The seeds of a random test, or the one that the environment variable `SNUGFIT_SEED` names. Each is printed before it is used:
/// the last one that a test prints is the one that it failed with.
pub fn seeds() -> impl Iterator<Item = u64> {
    let only = std::env::var("SNUGFIT_SEED").ok().map(|text| text.parse().expect("SNUGFIT_SEED is a number"));
    let seeds = only.map_or(0..SEEDS, |seed| seed..seed + 1);
    seeds.inspect(|seed| eprintln!("SNUGFIT_SEED={seed}"))
}

/// All classes that there are.
pub fn classes() -> Range<u8> {
    1..CLASSES as u8
}

/// Where the blocks of a run of `class` start, counted from its own start: worked out apart from the crate.
pub fn starts(class: u8) -> Vec<usize> {
    let (size, first) = (usize::from(class) * GRANULE, if class == TINY { PAGE / GRANULE } else { 0 });
    (first..PAGE).step_by(size).take_while(|start| start + size <= PAGE - LAST).collect()
}

/// The addresses in a page at which a block might start.
pub fn granules(page: NonNull<u8>) -> impl Iterator<Item = usize> {
    let page = page.addr().get();
    (page..page + PAGE).step_by(GRANULE)
}

/// Marks for as long as the process runs. Nothing has any yet.
pub fn new_marks() -> &'static Marks {
    Box::leak(Box::new(Marks::new()))
}

/// Memory at `start` of which only the address is real. It must not be touched.
pub fn fake(start: usize, len: usize) -> Extent {
    Extent { start: NonNull::without_provenance(NonZero::new(start).expect("not null")), len }
}

/// `len` bytes of fresh memory with marks, for as long as the process runs: what is known of tiny blocks lies in their page.
pub fn map(marks: &'static Marks, len: usize) -> Extent {
    let extent = os::map(len).expect("there is memory");
    marks.cover(extent, |region| panic!("nothing else has marks, and least of all {region:#x}"));
    extent
}

/// The pages of `extent` that can be runs.
pub fn pages(extent: Extent) -> impl Iterator<Item = NonNull<u8>> {
    let pages = (0..extent.len).step_by(PAGE).map(move |offset| extent.tail(offset).start);
    // The number of that page stands for none.
    pages.filter(|page| !page.addr().get().is_multiple_of(APART))
}

/// Writes `byte` all over `page`, which comes from [`map`] and is no run, but not at its end.
pub fn scribble(page: NonNull<u8>, byte: u8) {
    // SAFETY: the page is the test's own, and nobody else uses it.
    unsafe { page.write_bytes(byte, PAGE - LAST) };
}

/// Runs at `count` pages side by side.
pub struct World {
    pub marks: &'static Marks,
    pub runs: Runs,
    pub pages: Vec<NonNull<u8>>,
}

impl World {
    pub fn new(count: usize) -> Self {
        let marks = new_marks();
        let mut runs = Runs::new(marks);
        let pages: Vec<_> = pages(map(marks, (count + 1) * PAGE)).take(count).collect();
        for &page in &pages {
            // SAFETY: the page was mapped just now, and is used for nothing else.
            assert!(unsafe { runs.add(page) }, "{page:?}");
        }
        Self { marks, runs, pages }
    }

    pub fn carve(&mut self, class: u8, count: usize) -> Vec<NonNull<u8>> {
        let mut blocks = Vec::new();
        let carved = self.runs.carve(OWNER, class, count, |block| blocks.push(block));
        assert_eq!(carved, blocks.len());
        blocks
    }

    /// As many blocks as one run has.
    pub fn fill_run(&mut self, class: u8) -> Vec<NonNull<u8>> {
        let blocks = self.carve(class, PAGE);
        assert_eq!(blocks.len(), starts(class).len(), "class {class}");
        blocks
    }

    #[track_caller]
    pub fn assert_valid(&self) {
        let addresses = self.pages.iter().map(|page| page.addr().get());
        assert_eq!(self.runs.validate(addresses), Ok(()));
    }
}

//! Runs used at random, against a shadow of which blocks are out: no two of them overlap, each lies in its page and keeps its
//! contents, and what the runs count is right.

mod support;

use std::collections::BTreeMap;
use std::ptr::NonNull;

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use snugfit_run::{Mark, Marks, PAGE, REGION, Runs, TINY, size_of_class};
use support::{LAST, OWNER, classes, granules, map, new_marks, pages, scribble, seeds, starts};

const STEPS: usize = 4000;

/// So many pages are runs at times.
const PAGES: usize = 24;

/// What the last bytes of a page must be at any time: they are somebody else's.
const NOT_OURS: u64 = 0x0123_4567_89AB_CDEF;

/// A run: of which class its blocks are, and how many are out. An empty one is of any class.
#[derive(Clone, Copy, Default)]
struct Page {
    class: u8,
    out: usize,
}

/// A block that is out.
struct Block {
    at: NonNull<u8>,
    class: u8,
    is_live: bool,
    /// What its contents follow from.
    key: u64,
}

impl Block {
    fn address(&self) -> usize {
        self.at.addr().get()
    }

    fn page(&self) -> usize {
        self.address() / PAGE * PAGE
    }

    /// The words of it, and what each must be.
    fn words(&self) -> impl Iterator<Item = (NonNull<u64>, u64)> {
        let (first, key) = (self.at.cast::<u64>(), self.key);
        let count = size_of_class(self.class) / size_of::<u64>();
        // SAFETY: the block has so many words.
        (0..count).map(move |at| (unsafe { first.add(at) }, key.wrapping_mul(at as u64 + 1)))
    }

    fn fill(&self) {
        // SAFETY: the block is out, and the test's.
        self.words().for_each(|(at, word)| unsafe { at.write(word) });
    }

    fn assert_kept(&self) {
        for (at, word) in self.words() {
            // SAFETY: the block is out, and was filled.
            assert_eq!(unsafe { at.read() }, word, "the contents of {:?} at {at:?}", self.at);
        }
    }
}

struct Shadow {
    rng: SmallRng,
    marks: &'static Marks,
    runs: Runs,
    /// By address.
    pages: BTreeMap<usize, Page>,
    /// Pages that are no runs.
    spare: Vec<NonNull<u8>>,
    out: Vec<Block>,
    /// Where each block that is out starts and ends.
    ranges: BTreeMap<usize, usize>,
}

impl Shadow {
    fn new(seed: u64) -> Self {
        let (rng, marks) = (SmallRng::seed_from_u64(seed), new_marks());
        // Pairs of neighbours, in more than one region.
        let extent = map(marks, 2 * REGION);
        let pairs = pages(extent).enumerate().filter(|(at, _)| at % 80 < 2).map(|(_, page)| page);
        let spare: Vec<_> = pairs.take(PAGES).collect();
        for page in &spare {
            // SAFETY: the page was mapped just now.
            unsafe { last_word(page.addr().get()).write(NOT_OURS) };
        }
        let (pages, ranges) = (BTreeMap::new(), BTreeMap::new());
        Self { rng, marks, runs: Runs::new(marks), pages, spare, out: Vec::new(), ranges }
    }

    /// Random calls, more of one kind and then of the other.
    fn play(&mut self) {
        for step in 0..STEPS {
            let grows = (step * 10 / STEPS).is_multiple_of(2);
            match self.rng.random_range(0..20) {
                0 => self.add(),
                1 => _ = self.take_empty(),
                2 => _ = self.runs.purge(),
                3..6 => self.change_state(),
                at if (at < 15) == grows => self.carve(),
                _ => self.take_back_some(),
            }
            self.check();
        }
    }

    fn add(&mut self) {
        self.spare.shuffle(&mut self.rng);
        let Some(page) = self.spare.pop() else { return };
        scribble(page, self.rng.random());
        // SAFETY: the page is mapped, and was spare.
        assert!(unsafe { self.runs.add(page) });
        self.pages.insert(page.addr().get(), Page::default());
    }

    /// Takes an empty run, if there is one. It must be as if it had never been one.
    fn take_empty(&mut self) -> bool {
        let Some(page) = self.runs.take_empty() else {
            assert_eq!(self.empty_pages(), 0, "no run is given up although some are empty");
            return false;
        };
        let known = self.pages.remove(&page.addr().get()).expect("it was a run");
        assert_eq!(known.out, 0, "blocks of {page:?} are out");
        assert_eq!(self.marks.run_class(page.addr().get()), 0);
        for address in granules(page) {
            assert_eq!(self.marks.find(address).expect("it has marks").get(), Mark::NONE, "{address:#x}");
        }
        scribble(page, self.rng.random());
        self.spare.push(page);
        true
    }

    /// A block that is out is in use or in a cache, as its owner says.
    fn change_state(&mut self) {
        let Some(which) = self.rng.random_range(0..PAGE).checked_rem(self.out.len()) else { return };
        let block = &mut self.out[which];
        // SAFETY: it lies in a run of that class.
        let cell = unsafe { self.marks.cell_of(block.address(), block.class) };
        block.is_live ^= true;
        if block.is_live { cell.set_live() } else { cell.set_cached() }
    }

    fn carve(&mut self) {
        let class = self.rng.random_range(classes());
        let count =
            if self.rng.random() { self.rng.random_range(0..8) } else { self.rng.random_range(0..300) };
        let (expected, mut blocks) = (self.available(class).min(count), Vec::new());
        let carved = self.runs.carve(OWNER, class, count, |block| blocks.push(block));
        assert_eq!((carved, blocks.len()), (expected, expected), "{count} of class {class}");
        let in_order = blocks.chunk_by(|a, b| a.addr().get() / PAGE == b.addr().get() / PAGE);
        assert!(in_order.into_iter().all(<[_]>::is_sorted), "{blocks:?}");
        blocks.into_iter().for_each(|at| self.enter(at, class));
    }

    /// How many blocks of `class` there are for one call: the free ones of runs that have some out; if there are none, those of an
    /// empty run. A second one is not opened.
    fn available(&self, class: u8) -> usize {
        let all = starts(class).len();
        let used = self.pages.values().filter(|page| page.out > 0 && page.class == class);
        match used.map(|page| all - page.out).sum() {
            0 if self.empty_pages() > 0 => all,
            free => free,
        }
    }

    fn empty_pages(&self) -> usize {
        self.pages.values().filter(|page| page.out == 0).count()
    }

    /// Takes a block over: it must be one that its page has room for, and apart from all others.
    fn enter(&mut self, at: NonNull<u8>, class: u8) {
        let block = Block { at, class, is_live: false, key: self.rng.random() };
        let (address, end) = (block.address(), block.address() + size_of_class(class));
        let page = self.pages.get_mut(&block.page()).expect("it lies in a run");
        assert!(page.out == 0 || page.class == class, "{at:?} is in a run of class {}", page.class);
        (page.class, page.out) = (class, page.out + 1);
        let first = block.page() + if class == TINY { PAGE / 16 } else { 0 };
        assert!(first <= address && end <= block.page() + PAGE - LAST, "{at:?} is not within its run");
        assert!(address.is_multiple_of(16), "{at:?}");
        let before = self.ranges.range(..end).next_back();
        assert!(before.is_none_or(|(_, &before)| before <= address), "{at:?} overlaps another");
        self.ranges.insert(address, end);
        block.fill();
        self.out.push(block);
    }

    /// Blocks of one class, in the order of their addresses or in none.
    fn take_back_some(&mut self) {
        let Some(which) = self.rng.random_range(0..PAGE).checked_rem(self.out.len()) else { return };
        let (class, share) = (self.out[which].class, self.rng.random_range(1..=4));
        let (rng, sorted) = (&mut self.rng, share % 2 == 0);
        let mut blocks: Vec<_> =
            self.out.extract_if(.., |block| block.class == class && rng.random_ratio(share, 4)).collect();
        if sorted {
            blocks.sort_by_key(Block::address);
        } else {
            blocks.shuffle(&mut self.rng);
        }
        self.take_back(class, &blocks);
    }

    fn take_back(&mut self, class: u8, blocks: &[Block]) {
        for block in blocks {
            block.assert_kept();
            self.ranges.remove(&block.address());
            self.pages.get_mut(&block.page()).expect("a run with a block out stays").out -= 1;
        }
        // SAFETY: they are out, of that class, and the shadow has forgotten them.
        unsafe { self.runs.take_back(class, blocks.iter().map(|block| block.at)) };
    }

    fn check(&self) {
        assert_eq!(self.runs.validate(self.pages.keys().copied()), Ok(()));
        assert_eq!(self.runs.count(), self.pages.len());
        assert_eq!(self.runs.empty_bytes(), self.empty_pages() * PAGE);
        let out: usize = self.out.iter().map(|block| size_of_class(block.class)).sum();
        assert_eq!(self.runs.free_bytes(), self.pages.len() * PAGE - out);
        self.out.iter().for_each(|block| self.check_mark(block));
        for (&page, known) in &self.pages {
            // SAFETY: the page is mapped, and the test's.
            assert_eq!(unsafe { last_word(page).read() }, NOT_OURS, "the end of {page:#x} was written to");
            assert!(known.out == 0 || self.marks.run_class(page) == known.class, "{page:#x}");
        }
    }

    fn check_mark(&self, block: &Block) {
        // SAFETY: it lies in a run of that class.
        let mark = unsafe { self.marks.cell_of(block.address(), block.class) }.get();
        let is_right = if block.is_live {
            mark == Mark::live(block.address(), block.class)
        } else {
            mark.is_cached() && mark.is_at(block.address()) && mark.class() == block.class
        };
        assert!(is_right, "{mark:?} of {:?}", block.at);
    }

    /// Takes everything back: each run is given up, once.
    fn finish(mut self) {
        for class in classes() {
            let blocks: Vec<_> = self.out.extract_if(.., |block| block.class == class).collect();
            self.take_back(class, &blocks);
            self.check();
        }
        assert_eq!(self.runs.empty_bytes(), self.pages.len() * PAGE);
        for _ in 0..self.pages.len() {
            assert!(self.take_empty());
            self.check();
        }
        assert!(!self.take_empty());
        assert_eq!((self.runs.count(), self.runs.free_bytes()), (0, 0));
        assert_eq!(self.spare.len(), PAGES);
        self.runs.purge();
        assert_eq!(self.runs.purge(), 0, "there is nothing left to drop");
    }
}

/// The word behind the run at `page`.
fn last_word(page: usize) -> *mut u64 {
    std::ptr::with_exposed_provenance_mut(page + PAGE - LAST)
}

#[test]
fn runs_agree_with_a_shadow_of_them() {
    for seed in seeds() {
        let mut shadow = Shadow::new(seed);
        (0..PAGES / 2).for_each(|_| shadow.add());
        shadow.play();
        shadow.finish();
    }
}

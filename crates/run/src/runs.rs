//! Giving out blocks of runs, and taking them back.

use core::ptr::{NonNull, with_exposed_provenance_mut};
use core::sync::atomic::Ordering::Relaxed;

use crate::mark::Mark;
use crate::marks::{Marks, REGION_PAGES, REGIONS, RunMarks, page_number};
use crate::run::{BLANK, CLASSES, PAGE, Run, TINY, blocks_of, offsets, size_of_class, start_of};
use crate::violation::Violation;

const GRANULE: usize = 16;

/// The address of no page: nothing lies within a page from there.
const NOWHERE: usize = usize::MAX / PAGE * PAGE;

/// How far from the start of a run of `class` the first block lies that starts at `offset` or behind it.
fn offset_after(offset: usize, class: u8) -> usize {
    let (start, size) = (start_of(class), size_of_class(class));
    // As 32 bits, which takes half the time.
    let before = (offset.saturating_sub(start) + size - 1) as u32;
    start + before.checked_div(size as u32).unwrap_or(0) as usize * size
}

/// What is known of 2 MiB of memory.
#[derive(Clone, Copy, Debug)]
struct Region {
    runs: u16,
    is_touched: bool,
}

/// All runs. For one thread at a time.
///
/// Of each class the runs with free blocks are in a list, and so are those, of all classes, with no block out: they are given
/// up when they are [asked](Self::take_empty) for. That which came into a list last is used first.
#[derive(Debug)]
pub struct Runs {
    marks: &'static Marks,
    /// The first run of each list, as a page number; 0 for none. The list of class 0 is that of empty runs.
    lists: [u32; CLASSES],
    /// How many runs there are in each region, and whether its marks were ever touched.
    regions: [Region; REGIONS],
    /// How many runs there are.
    count: usize,
    /// How many of them are empty.
    empty: usize,
    /// Bytes of all free blocks, and of what is left at the ends of runs.
    free_bytes: usize,
    refused_at: usize,
}

/// The list of runs with no block out.
const EMPTY: u8 = 0;

impl Runs {
    /// None.
    #[must_use]
    pub const fn new(marks: &'static Marks) -> Self {
        let regions = [Region { runs: 0, is_touched: false }; REGIONS];
        Self {
            marks,
            lists: [0; CLASSES],
            regions,
            count: 0,
            empty: 0,
            free_bytes: 0,
            refused_at: usize::MAX,
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Bytes of runs that have no block out. O(1).
    #[must_use]
    pub const fn empty_bytes(&self) -> usize {
        self.empty * PAGE
    }

    /// Bytes of runs that are in no block that is out. O(1).
    #[inline]
    #[must_use]
    pub const fn free_bytes(&self) -> usize {
        self.free_bytes
    }

    /// How many bytes were in use when the owner of the pages had none to give; `usize::MAX` if he had. For him to decide when to
    /// look again: these calls only keep the number.
    #[must_use]
    pub const fn refused_at(&self) -> usize {
        self.refused_at
    }

    /// See [`refused_at`](Self::refused_at).
    pub const fn set_refused_at(&mut self, in_use: usize) {
        self.refused_at = in_use;
    }

    fn run(&self, number: u32) -> &'static Run {
        // SAFETY: the runs are mapped once something is covered, and stay. Nobody else looks at what is not atomic.
        unsafe { &*self.marks.run(number) }
    }

    fn list(&self, list: u8) -> u32 {
        // SAFETY: there is a list for each class.
        unsafe { *self.lists.get_unchecked(usize::from(list)) }
    }

    fn set_list(&mut self, list: u8, first: u32) {
        // SAFETY: as above.
        unsafe { *self.lists.get_unchecked_mut(usize::from(list)) = first };
    }

    fn region(&mut self, number: u32) -> &mut Region {
        // SAFETY: the remainder is less than there are.
        unsafe { self.regions.get_unchecked_mut(number as usize / REGION_PAGES % REGIONS) }
    }

    /// Makes a page a run, of whatever class is wanted first. False, with nothing changed, if it cannot be one.
    ///
    /// # Safety
    /// - All of the page but its last 8 bytes is the caller's, for as long as it is a run; it is aligned to [`PAGE`].
    #[must_use]
    pub unsafe fn add(&mut self, page: NonNull<u8>) -> bool {
        let (address, number) = (page.as_ptr().expose_provenance(), page_number(page.addr().get()));
        // A number of 0 stands for none.
        if !self.marks.covers(address) || number == 0 {
            return false;
        }
        let run = self.run(number);
        run.free.set(0);
        run.class.store(BLANK, Relaxed);
        let region = self.region(number);
        (region.runs, region.is_touched) = (region.runs + 1, true);
        self.count += 1;
        self.empty += 1;
        self.free_bytes += PAGE;
        self.link(EMPTY, number);
        true
    }

    /// Gives up to `count` blocks of `class` to `put`, those of a run in the order of their addresses. Returns how many; fewer
    /// if no more are free.
    pub fn carve(&mut self, class: u8, count: usize, mut put: impl FnMut(NonNull<u8>)) -> usize {
        let mut carved = 0;
        while carved < count {
            let number = match self.list(class) {
                0 if carved > 0 => break,
                0 => self.open(class),
                number => number,
            };
            if number == 0 {
                break;
            }
            carved += self.carve_from(number, class, count - carved, &mut put);
        }
        self.free_bytes -= carved * size_of_class(class);
        carved
    }

    /// Makes an empty run one of `class`, with free blocks. 0 if there is none.
    fn open(&mut self, class: u8) -> u32 {
        let number = self.list(EMPTY);
        if number != 0 {
            self.unlink(EMPTY, number);
            self.empty -= 1;
            match self.run(number).class() {
                BLANK => self.make(class, number),
                same if same == class => {}
                _ => {
                    self.clear(number);
                    self.make(class, number);
                }
            }
            self.link(class, number);
        }
        number
    }

    /// Takes up to `count` blocks out of a run, which has free ones.
    #[inline]
    fn carve_from(
        &mut self,
        number: u32,
        class: u8,
        count: usize,
        put: &mut impl FnMut(NonNull<u8>),
    ) -> usize {
        let (size, page, run) = (size_of_class(class), self.marks.page(number), self.run(number));
        let wanted = count.min(run.free.get().into());
        let (mut offset, mut left) = (offset_after(usize::from(run.first.get()) * GRANULE, class), wanted);
        // SAFETY: it is a run of that class.
        let marks = unsafe { self.marks.of_run(page, class) };
        // SAFETY: a page is not at address 0.
        let mut put =
            |block: usize| put(unsafe { NonNull::new_unchecked(with_exposed_provenance_mut(block)) });
        if run.out() == 0 {
            // There is nothing to look for.
            let end = offset + wanted * size;
            while offset != end {
                // SAFETY: there is a block.
                unsafe { marks.at(offset) }.leave_run();
                put(page + offset);
                offset += size;
            }
            left = 0;
        }
        while left > 0 && offset + size < PAGE {
            // SAFETY: there is a block.
            let cell = unsafe { marks.at(offset) };
            if cell.get().is_in_run() {
                cell.leave_run();
                put(page + offset);
                left -= 1;
            }
            offset += size;
        }
        debug_assert!(left == 0, "free blocks are counted");
        run.first.set((offset / GRANULE).min(PAGE / GRANULE - 1) as u8);
        run.free.set(run.free.get() - (wanted - left) as u8);
        if run.free.get() == 0 {
            self.unlink(class, number);
        }
        wanted - left
    }

    /// Takes blocks of `class` back. O(blocks), and fast for those of one run that come one after the other.
    ///
    /// # Safety
    /// - They came from [`carve`](Self::carve), and nobody uses them any more.
    pub unsafe fn take_back(&mut self, class: u8, blocks: impl Iterator<Item = NonNull<u8>>) {
        let mut page = NOWHERE;
        let (mut marks, mut came, mut first, mut count) = (RunMarks::NONE, 0, u8::MAX, 0);
        for block in blocks {
            let offset = block.addr().get().wrapping_sub(page);
            let offset = if offset < PAGE {
                offset
            } else {
                self.came_back(class, page, came, first);
                let offset = block.addr().get() % PAGE;
                page = block.addr().get() - offset;
                (came, first) = (0, u8::MAX);
                // SAFETY: it is a run of that class.
                marks = unsafe { self.marks.of_run(page, class) };
                offset
            };
            // SAFETY: there is a block.
            unsafe { marks.at(offset) }.enter_run();
            (came, count, first) = (came + 1, count + 1, first.min((offset / GRANULE) as u8));
        }
        self.came_back(class, page, came, first);
        self.free_bytes += count * size_of_class(class);
    }

    /// `came` blocks of the run at `page` are free now, the first of which starts at granule `first`.
    #[inline]
    fn came_back(&mut self, class: u8, page: usize, came: u8, first: u8) {
        if came == 0 {
            return;
        }
        let number = page_number(page);
        let run = self.run(number);
        run.first.set(run.first.get().min(first));
        let before = run.free.get();
        run.free.set(before + came);
        if run.out() == 0 {
            if before > 0 {
                self.unlink(class, number);
            }
            self.link(EMPTY, number);
            self.empty += 1;
        } else if before == 0 {
            self.link(class, number);
        }
    }

    /// A run none of whose blocks is out: it is none any more, and the page the caller's.
    pub fn take_empty(&mut self) -> Option<NonNull<u8>> {
        let number = self.list(EMPTY);
        if number == 0 {
            return None;
        }
        self.unlink(EMPTY, number);
        self.clear(number);
        self.run(number).class.store(0, Relaxed);
        self.region(number).runs -= 1;
        self.count -= 1;
        self.empty -= 1;
        self.free_bytes -= PAGE;
        NonNull::new(with_exposed_provenance_mut(self.marks.page(number)))
    }

    /// Writes the marks of a page all of whose blocks are free.
    fn make(&self, class: u8, number: u32) {
        let (page, run) = (self.marks.page(number), self.run(number));
        if class == TINY {
            self.fill(page, Mark::TINY);
        }
        // SAFETY: the page is to be a run of that class.
        let marks = unsafe { self.marks.of_run(page, class) };
        for offset in offsets(class) {
            // SAFETY: there is to be a block.
            unsafe { marks.at(offset) }.set(Mark::in_run(page + offset, class));
        }
        run.first.set(0);
        run.free.set(blocks_of(class) as u8);
        run.class.store(class, Relaxed);
    }

    /// Takes the marks of a page away.
    fn clear(&self, number: u32) {
        self.fill(self.marks.page(number), Mark::NONE);
    }

    /// Sets all marks of a page.
    fn fill(&self, page: usize, mark: Mark) {
        // SAFETY: the page has marks.
        unsafe { self.marks.of_run(page, 0).fill(mark) };
    }

    /// Drops the memory of marks that no run needs. Returns how many bytes that were.
    pub fn purge(&mut self) -> usize {
        let mut purged = 0;
        for (at, region) in self.regions.iter_mut().enumerate() {
            if region.runs == 0 && region.is_touched {
                region.is_touched = false;
                // SAFETY: no run is there.
                purged += unsafe { self.marks.purge(at) };
            }
        }
        purged
    }

    /// Puts a run into a list.
    fn link(&mut self, list: u8, number: u32) {
        let first = self.list(list);
        let run = self.run(number);
        run.next.set(first);
        run.previous.set(0);
        if first != 0 {
            self.run(first).previous.set(number);
        }
        self.set_list(list, number);
    }

    /// Takes a run out of the list that it is in.
    fn unlink(&mut self, list: u8, number: u32) {
        let run = self.run(number);
        let (next, previous) = (run.next.get(), run.previous.get());
        if next != 0 {
            self.run(next).previous.set(previous);
        }
        match previous {
            0 => self.set_list(list, next),
            previous => self.run(previous).next.set(next),
        }
    }

    /// Visits the blocks of the run at `page`: where each is, and its mark.
    pub fn blocks(&self, page: usize) -> impl Iterator<Item = (usize, Mark)> + '_ {
        let class = self.marks.run_class(page);
        offsets(class).map(move |offset| {
            // SAFETY: it lies in a run of that class.
            (page + offset, unsafe { self.marks.cell_of(page + offset, class) }.get())
        })
    }

    /// The block of a run in which `address` lies, and its mark. `None` if it lies in none.
    #[must_use]
    pub fn block_around(&self, address: usize) -> Option<(usize, Mark)> {
        let class = self.marks.run_class(address);
        let from_first = (address % PAGE).checked_sub(start_of(class))?;
        self.blocks(address / PAGE * PAGE).nth(from_first.checked_div(size_of_class(class))?)
    }

    /// Checks the runs at `pages`, which are to be all that there are.
    ///
    /// # Errors
    /// The first violation met.
    pub fn validate(&self, pages: impl Iterator<Item = usize>) -> Result<(), Violation> {
        let ensure = |holds: bool, violation| if holds { Ok(()) } else { Err(violation) };
        let (mut count, mut free_bytes, mut listed) = (0, 0, 0);
        for page in pages {
            let run = self.run(page_number(page));
            let class = run.class();
            let mut free = 0;
            for (block, mark) in self.blocks(page) {
                ensure(mark.is_at(block) && mark.class() == class, Violation::Mark(block))?;
                free += usize::from(mark.is_in_run());
            }
            ensure(free == usize::from(run.free.get()), Violation::Free(page))?;
            count += 1;
            free_bytes += PAGE - run.out() * size_of_class(class);
            listed += usize::from(free > 0 || run.out() == 0);
        }
        let mut empty = 0;
        for list in 0..CLASSES as u8 {
            let mut number = self.list(list);
            while number != 0 && listed > 0 {
                let run = self.run(number);
                let of_list = if run.out() == 0 { EMPTY } else { run.class() };
                ensure(run.class() != 0 && of_list == list, Violation::List(self.marks.page(number)))?;
                empty += usize::from(list == EMPTY);
                (number, listed) = (run.next.get(), listed - 1);
            }
            ensure(number == 0, Violation::List(self.marks.page(number)))?;
        }
        let counted = (self.count, self.empty, self.free_bytes);
        ensure(listed == 0 && (count, empty, free_bytes) == counted, Violation::Sum)
    }
}

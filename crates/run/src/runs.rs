//! Giving out blocks of runs, and taking them back.

use core::ptr::{NonNull, with_exposed_provenance_mut};
use core::sync::atomic::Ordering::Relaxed;

use crate::mark::Mark;
use crate::marks::{Marks, RunMarks, page_number};
use crate::regions::Regions;
use crate::run::{BLANK, CLASSES, PAGE, Run, TINY, blocks_of, offsets, size_of_class, start_of};

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

/// All runs. For one thread at a time.
///
/// Of each class the runs with free blocks are in a list, and so are those, of all classes, with no block out: they are given
/// up when they are [asked](Self::take_empty) for. That which came into a list last is used first.
///
/// Runs have owners, so that what several threads allocate at the same time does not lie in one page: each owner has lists of
/// his own. Who they are is the caller's business.
///
/// There may be one value of this type for a [`Marks`].
#[derive(Debug)]
pub struct Runs {
    pub(crate) marks: &'static Marks,
    /// The first run of each list, as a page number; 0 for none.
    pub(crate) lists: [[u32; CLASSES]; OWNERS],
    /// The same of the list of empty runs.
    pub(crate) first_empty: u32,
    regions: Regions,
    /// How many runs there are.
    pub(crate) count: usize,
    /// How many of them are empty.
    pub(crate) empty: usize,
    /// Bytes of all free blocks, and of what is left at the ends of runs.
    pub(crate) free_bytes: usize,
    refused_at: usize,
}

/// How many owners of runs there are.
pub const OWNERS: usize = 32;

/// A list of runs: that of an owner and a class; or of runs with no block out, for class 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) owner: u8,
    pub(crate) class: u8,
}

/// The list of runs with no block out.
pub(crate) const EMPTY: List = List { owner: 0, class: 0 };

impl Runs {
    /// None.
    #[must_use]
    pub const fn new(marks: &'static Marks) -> Self {
        Self {
            marks,
            lists: [[0; CLASSES]; OWNERS],
            first_empty: 0,
            regions: Regions::NONE,
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

    /// Bytes that lie beside the runs and were touched for them: whole pages. O(1).
    #[must_use]
    pub const fn touched_beside(&self) -> usize {
        self.regions.touched()
    }

    pub(crate) fn run(&self, number: u32) -> &'static Run {
        // SAFETY: the runs are mapped once something is covered, and stay. Nobody else looks at what is not atomic.
        unsafe { &*self.marks.run(number) }
    }

    #[inline]
    fn place(&mut self, List { owner, class }: List) -> &mut u32 {
        if class == 0 {
            return &mut self.first_empty;
        }
        // SAFETY: there are so many owners, and a list for each class.
        unsafe {
            self.lists.get_unchecked_mut(usize::from(owner) % OWNERS).get_unchecked_mut(usize::from(class))
        }
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
        self.regions.add(number);
        self.count += 1;
        self.empty += 1;
        self.free_bytes += PAGE;
        self.link(EMPTY, number);
        true
    }

    /// Gives up to `count` blocks of `class` to `put`, those of a run in the order of their addresses: of the owner's runs, or
    /// if they have none, of an empty one, which becomes his. Returns how many.
    pub fn carve(&mut self, owner: u8, class: u8, count: usize, mut put: impl FnMut(NonNull<u8>)) -> usize {
        let list = List { owner, class };
        let mut carved = 0;
        while carved < count {
            let number = match *self.place(list) {
                0 if carved > 0 => break,
                0 => self.open(list),
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

    /// Makes a run of another owner, with free blocks of `class`, one of `owner`. Whether there was one.
    pub fn adopt(&mut self, owner: u8, class: u8) -> bool {
        for other in (0..OWNERS as u8).filter(|&other| other != owner) {
            let number = *self.place(List { owner: other, class });
            if number != 0 {
                self.unlink(List { owner: other, class }, number);
                self.run(number).owner.set(owner);
                self.link(List { owner, class }, number);
                return true;
            }
        }
        false
    }

    /// Makes an empty run one of `list`, with free blocks. 0 if there is none.
    fn open(&mut self, list: List) -> u32 {
        let (class, number) = (list.class, self.first_empty);
        if number != 0 {
            self.unlink(EMPTY, number);
            self.empty -= 1;
            self.run(number).owner.set(list.owner);
            match self.run(number).class() {
                BLANK => self.make(class, number),
                same if same == class => {}
                _ => {
                    self.clear(number);
                    self.make(class, number);
                }
            }
            self.link(list, number);
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
        run.first.set((offset / GRANULE).min(PAGE / GRANULE - 1) as u8);
        // Should marks have been overwritten, there are fewer than were counted, and no more are looked for.
        let free = if left == 0 { usize::from(run.free.get()) - wanted } else { 0 };
        run.free.set(free as u8);
        if free == 0 {
            self.unlink(List { owner: run.owner.get(), class }, number);
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
        let (before, list) = (run.free.get(), List { owner: run.owner.get(), class });
        run.free.set(before + came);
        if run.out() == 0 {
            if before > 0 {
                self.unlink(list, number);
            }
            self.link(EMPTY, number);
            self.empty += 1;
        } else if before == 0 {
            self.link(list, number);
        }
    }

    /// A run none of whose blocks is out: it is none any more, and the page the caller's.
    pub fn take_empty(&mut self) -> Option<NonNull<u8>> {
        let number = self.first_empty;
        if number == 0 {
            return None;
        }
        self.unlink(EMPTY, number);
        self.clear(number);
        self.run(number).class.store(0, Relaxed);
        self.regions.remove(number);
        self.count -= 1;
        self.empty -= 1;
        self.free_bytes -= PAGE;
        NonNull::new(with_exposed_provenance_mut(self.marks.page(number)))
    }

    /// Writes the marks of a page all of whose blocks are free.
    fn make(&self, class: u8, number: u32) {
        let (page, run) = (self.marks.page(number), self.run(number));
        // SAFETY: the page is to be a run of that class.
        let marks = unsafe { self.marks.of_run(page, class) };
        if class == TINY {
            self.fill(page, Mark::TINY);
            // What the page held before are no marks.
            // SAFETY: as above.
            unsafe { marks.fill(Mark::NONE) };
        }
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
        self.regions.purge(self.marks)
    }

    /// Puts a run into a list.
    fn link(&mut self, list: List, number: u32) {
        let first = *self.place(list);
        let run = self.run(number);
        run.next.set(first);
        run.previous.set(0);
        if first != 0 {
            self.run(first).previous.set(number);
        }
        *self.place(list) = number;
    }

    /// Takes a run out of the list that it is in.
    fn unlink(&mut self, list: List, number: u32) {
        let run = self.run(number);
        let (next, previous) = (run.next.get(), run.previous.get());
        if next != 0 {
            self.run(next).previous.set(previous);
        }
        match previous {
            0 => *self.place(list) = next,
            previous => self.run(previous).next.set(next),
        }
    }
}

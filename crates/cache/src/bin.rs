//! The blocks of one class in the cache of a thread.

use core::cell::Cell;
use core::ptr::NonNull;

use snugfit_tag::prefetch;

use crate::magazine::{Magazine, Slot};
use crate::{Class, Supplier};

/// The magazine that a thread takes from and puts into: all that its fast path looks at.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Bin {
    /// Behind the last block.
    top: Cell<*mut Slot>,
    /// Behind the last slot.
    end: Cell<*mut Slot>,
    /// A word of the cache's owner for this class.
    pub(crate) word: Cell<u32>,
    magazine: Cell<Magazine>,
}

/// A batch of blocks that are put into a [`Bin`] from its end on: what comes first lies on top.
///
/// To put them in as they come and to turn them round then would read each slot while it is still being written.
pub(crate) struct Batch<'a> {
    bin: &'a Bin,
    lowest: *mut Slot,
}

impl Batch<'_> {
    /// Puts a block in.
    ///
    /// # Safety
    /// - There is room: no more are put in than the bin had [room](Bin::room) for.
    #[inline]
    pub(crate) unsafe fn put(&mut self, block: NonNull<u8>) {
        debug_assert!(self.lowest != self.bin.magazine().slots());
        // SAFETY: the caller vouches for a slot below.
        unsafe {
            self.lowest = self.lowest.sub(1);
            self.lowest.write(block.as_ptr());
        }
    }

    /// They are in the bin, but for the one that came first: that is taken.
    pub(crate) fn finish(self) -> Option<NonNull<u8>> {
        let (start, end) = (self.bin.magazine().slots(), self.bin.end.get());
        let count = (end.addr() - self.lowest.addr()) / size_of::<Slot>();
        // SAFETY: so many slots were written, and the first ones are the bin's too.
        unsafe {
            if self.lowest != start {
                self.lowest.copy_to(start, count);
            }
            self.bin.top.set(start.add(count));
        }
        self.bin.pop()
    }
}

/// A slot in which there is room for a block.
#[derive(Clone, Copy, Debug)]
pub struct Vacancy(*mut Slot);

impl Bin {
    /// Nothing, and no room.
    #[expect(clippy::declare_interior_mutable_const, reason = "each use is meant to be a bin of its own")]
    pub(crate) const NONE: Self = Self {
        top: Cell::new(Magazine::NONE.slots()),
        end: Cell::new(Magazine::NONE.slots()),
        word: Cell::new(0),
        magazine: Cell::new(Magazine::NONE),
    };

    /// Takes the block that was put in last, and fetches the one that came before it: who asks for one often asks for more, and what was
    /// freed a while ago is far away. Six instructions.
    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<NonNull<u8>> {
        // SAFETY: before the top lies the last block, or the null before the first, which is never passed.
        let last = unsafe { self.top.get().sub(1) };
        // SAFETY: as above.
        let block = NonNull::new(unsafe { last.read() })?;
        self.top.set(last);
        // SAFETY: as above; it may be that null.
        prefetch(unsafe { last.sub(1).read() });
        Some(block)
    }

    #[inline(always)]
    pub(crate) fn has_room(&self) -> bool {
        self.top.get() != self.end.get()
    }

    /// The slot for the next block, if there is room.
    #[inline(always)]
    pub(crate) fn vacancy(&self) -> Option<Vacancy> {
        let top = self.top.get();
        (top != self.end.get()).then_some(Vacancy(top))
    }

    /// Puts a block in.
    ///
    /// # Safety
    /// - There is [room](Self::has_room).
    #[inline(always)]
    pub(crate) unsafe fn push(&self, block: NonNull<u8>) {
        // SAFETY: the caller vouches for a slot at the top.
        unsafe { self.fill(Vacancy(self.top.get()), block) };
    }

    /// Puts a block into a slot that is [vacant](Self::vacancy).
    ///
    /// # Safety
    /// - It is this bin's, and nothing was put in or taken out since.
    #[inline(always)]
    pub(crate) unsafe fn fill(&self, Vacancy(top): Vacancy, block: NonNull<u8>) {
        // SAFETY: the caller vouches for the slot, which lies before the end.
        unsafe {
            top.write(block.as_ptr());
            self.top.set(top.add(1));
        }
    }

    /// Blocks that can be put in.
    pub(crate) fn room(&self) -> usize {
        (self.end.get().addr() - self.top.get().addr()) / size_of::<Slot>()
    }

    pub(crate) fn magazine(&self) -> Magazine {
        self.magazine.get()
    }

    pub(crate) fn count(&self) -> usize {
        (self.top.get().addr() - self.magazine().slots().addr()) / size_of::<Slot>()
    }

    /// Gives up to `most` of its blocks back to the supplier: those that came last, and are still near.
    pub(crate) fn give_back(&self, most: usize, class: Class, supplier: &mut impl Supplier) {
        // SAFETY: they came from the supplier or the cache's owner, and nobody uses them.
        unsafe { supplier.take_back(class, (0..most).map_while(|_| self.pop())) };
    }

    /// Starts to put in blocks that are to be taken out in the same order. There are none.
    pub(crate) fn batch(&self) -> Batch<'_> {
        debug_assert!(self.count() == 0);
        Batch { bin: self, lowest: self.end.get() }
    }

    /// The blocks in it.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = NonNull<u8>> {
        // SAFETY: the slots below the top hold blocks.
        unsafe { self.magazine().first(self.count()) }
    }

    /// Drops the blocks that do not pass `test`.
    pub(crate) fn retain(&self, mut test: impl FnMut(NonNull<u8>) -> bool) {
        let blocks = self.blocks();
        self.top.set(self.magazine().slots());
        for block in blocks.filter(|&block| test(block)) {
            // SAFETY: what stays moves down, over what has been read.
            unsafe { self.push(block) };
        }
    }

    /// Sets how many blocks the magazine may hold; more, if it holds more.
    pub(crate) fn set_limit(&self, limit: usize) {
        let limit =
            if self.magazine().is_none() { 0 } else { limit.max(self.count()).min(Magazine::CAPACITY) };
        // SAFETY: a magazine has slots for its capacity, and one without slots gets none.
        self.end.set(unsafe { self.magazine().slots().add(limit) });
    }

    /// Exchanges the magazine for another one, to be filled up to `limit`; returns the old one, with its count.
    pub(crate) fn load(&self, magazine: Magazine, limit: usize) -> Magazine {
        let old = self.magazine();
        if !old.is_none() {
            old.set_count(self.count());
        }
        self.magazine.set(magazine);
        // SAFETY: a magazine has slots for its count.
        self.top.set(unsafe { magazine.slots().add(magazine.count()) });
        self.set_limit(limit);
        old
    }
}

//! The slabs of one class that a thread owns, and can allocate from.

use core::cell::Cell;
use core::sync::atomic::Ordering::Relaxed;

use crate::class::Class;
use crate::slab::Status;
use crate::space::{Number, Space};

/// A list of slabs that have free blocks, in the order in which they came to have some: the longer one is there, the more of its
/// blocks were freed meanwhile. Beside it the current one. Slabs without free blocks are in no list.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// The slab that blocks are taken from; 0 if there is none.
    pub(crate) current: Cell<Number>,
    first: Cell<Number>,
    last: Cell<Number>,
}

impl Shelf {
    #[expect(clippy::declare_interior_mutable_const, reason = "each use is meant to be a shelf of its own")]
    pub(crate) const EMPTY: Self = Self { current: Cell::new(0), first: Cell::new(0), last: Cell::new(0) };

    /// The slab that came first; 0 if there is none.
    pub(crate) fn first(&self) -> Number {
        self.first.get()
    }

    /// Whether there is just one.
    pub(crate) fn is_single(&self) -> bool {
        self.first.get() == self.last.get()
    }

    /// There is none any more, whatever the slabs say.
    pub(crate) fn forget(&self) {
        [&self.current, &self.first, &self.last].into_iter().for_each(|slab| slab.set(0));
    }

    /// Puts a slab of `class` behind the last. Returns whether all its blocks are free.
    ///
    /// # Safety
    /// - It is mapped, and in no list.
    pub(crate) unsafe fn append(&self, space: &Space, number: Number, class: Class) -> bool {
        let last = self.last.replace(number);
        // SAFETY: the caller vouches for the slab, and what is in the list is mapped.
        unsafe {
            let slab = space.slab(number);
            slab.next.store(0, Relaxed);
            slab.previous.store(last, Relaxed);
            match last {
                0 => self.first.set(number),
                last => space.slab(last).next.store(number, Relaxed),
            }
            slab.stand_shelved(class)
        }
    }

    /// Takes the first slab out, which is to be the current one.
    ///
    /// # Safety
    /// - There is one, and what is in the list is mapped.
    pub(crate) unsafe fn pop(&self, space: &Space) -> Number {
        let first = self.first.get();
        // SAFETY: the caller vouches for the list.
        unsafe {
            let next = space.slab(first).next.load(Relaxed);
            self.first.set(next);
            match next {
                0 => self.last.set(0),
                next => space.slab(next).previous.store(0, Relaxed),
            }
        }
        first
    }

    /// Takes a slab out.
    ///
    /// # Safety
    /// - It is in this list.
    pub(crate) unsafe fn remove(&self, space: &Space, number: Number) {
        // SAFETY: what is in the list is mapped.
        unsafe {
            let slab = space.slab(number);
            let (next, previous) = (slab.next.load(Relaxed), slab.previous.load(Relaxed));
            match previous {
                0 => self.first.set(next),
                previous => space.slab(previous).next.store(next, Relaxed),
            }
            match next {
                0 => self.last.set(previous),
                next => space.slab(next).previous.store(previous, Relaxed),
            }
            slab.stand_apart(Status::Apart);
        }
    }
}

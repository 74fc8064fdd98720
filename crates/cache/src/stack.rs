//! A stack of magazines.

use core::cell::Cell;

use crate::magazine::Magazine;

/// Magazines, linked through their heads: last in, first out.
#[derive(Debug)]
pub(crate) struct Stack {
    last: Cell<Option<Magazine>>,
    count: Cell<u32>,
}

impl Stack {
    #[expect(clippy::declare_interior_mutable_const, reason = "each use is meant to be one of its own")]
    pub(crate) const NONE: Self = Self { last: Cell::new(None), count: Cell::new(0) };

    pub(crate) fn push(&self, magazine: Magazine) {
        magazine.set_next(self.last.replace(Some(magazine)));
        self.count.set(self.count.get() + 1);
    }

    pub(crate) fn pop(&self) -> Option<Magazine> {
        let magazine = self.last.get()?;
        self.last.set(magazine.next());
        self.count.set(self.count.get() - 1);
        Some(magazine)
    }

    pub(crate) fn count(&self) -> u32 {
        self.count.get()
    }

    /// Them, last in first; no more than were counted, whatever their links say.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Magazine> {
        core::iter::successors(self.last.get(), |magazine| magazine.next()).take(self.count.get() as usize)
    }
}

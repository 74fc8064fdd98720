//! The slabs without blocks in use that an owner keeps.

use core::cell::Cell;
use core::sync::atomic::Ordering::Relaxed;

use crate::space::{Number, Space};

/// What is given to the stock another thread may get, on another processor, and then all of its memory has to go there. So an owner
/// keeps what it will need again. How much that is it learns: each slab that was turned away, and is missed, makes room for one more.
#[derive(Debug)]
pub(super) struct Spares {
    /// The one that came last; 0 if there is none.
    first: Cell<Number>,
    count: Cell<usize>,
    /// How many may be kept, as far as was learned.
    room: Cell<usize>,
    /// How many were turned away, and not missed since.
    turned_away: Cell<usize>,
    /// Slabs of the owner that have blocks in use.
    used: Cell<usize>,
}

/// So many there is room for at first.
const FIRST_ROOM: usize = 8;
/// The most room that can be learned: 4 MiB.
const MOST_ROOM: usize = 512;
/// No more are kept than slabs are used, or this: a thread that is done with its work keeps little.
const UNUSED_ROOM: usize = 32;

impl Spares {
    #[expect(clippy::declare_interior_mutable_const, reason = "each use is meant to be one of its own")]
    pub(super) const NONE: Self = Self {
        first: Cell::new(0),
        count: Cell::new(0),
        room: Cell::new(FIRST_ROOM),
        turned_away: Cell::new(0),
        used: Cell::new(0),
    };

    /// So many slabs have blocks in use that had none, or were another owner's.
    pub(super) fn note_used(&self, slabs: usize) {
        self.used.set(self.used.get() + slabs);
    }

    /// So many slabs are not used any more, or are another owner's.
    pub(super) fn note_unused(&self, slabs: usize) {
        self.used.set(self.used.get().saturating_sub(slabs));
    }

    /// Keeps a slab that is in no list, if there is room.
    pub(super) fn keep(&self, space: &Space, number: Number) -> bool {
        if self.count.get() >= self.room.get().min(self.used.get().max(UNUSED_ROOM)) {
            self.turned_away.set(self.turned_away.get() + 1);
            return false;
        }
        // SAFETY: it was used.
        unsafe { space.slab(number) }.next.store(self.first.replace(number), Relaxed);
        self.count.set(self.count.get() + 1);
        true
    }

    /// Takes the slab that came last, for blocks.
    pub(super) fn take(&self, space: &Space) -> Option<Number> {
        let slab = self.pop(space);
        if slab.is_none() && self.turned_away.get() > 0 {
            self.turned_away.set(self.turned_away.get() - 1);
            self.room.set((self.room.get() + 1).min(MOST_ROOM));
        }
        slab
    }

    /// Takes the slab that came last, to give it up.
    pub(super) fn pop(&self, space: &Space) -> Option<Number> {
        let slab = self.first.get();
        if slab == 0 {
            return None;
        }
        // SAFETY: what is in the list was used.
        self.first.set(unsafe { space.slab(slab) }.next.load(Relaxed));
        self.count.set(self.count.get() - 1);
        Some(slab)
    }

    /// There are none any more, and none are used.
    pub(super) fn forget(&self) {
        self.first.set(0);
        self.count.set(0);
        self.used.set(0);
        self.unlearn();
    }

    /// Who comes next has his own needs.
    pub(super) fn unlearn(&self) {
        self.room.set(FIRST_ROOM);
        self.turned_away.set(0);
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::Stock;

    /// Enough slabs of a space, which are nobody's.
    fn slabs() -> (Space, Vec<Number>) {
        let (space, mut stock) = (Space::new(), Stock::new());
        // Other tests look for addresses at the same time.
        assert!((0..100).any(|_| stock.open(&space, 64 << 20)), "there are addresses");
        let slabs = (0..2000).map(|_| stock.take(&space).expect("there is memory")).collect();
        (space, slabs)
    }

    /// Keeps all that there is room for, and then takes as many as there are. Returns how many were kept.
    fn fall_and_rise(spares: &Spares, space: &Space, slabs: &[Number]) -> usize {
        spares.note_unused(slabs.len());
        let kept = slabs.iter().filter(|&&slab| spares.keep(space, slab)).count();
        let taken = slabs.iter().filter(|_| spares.take(space).is_some()).count();
        assert_eq!(taken, kept);
        spares.note_used(slabs.len());
        kept
    }

    #[test]
    fn what_is_missed_is_kept_the_next_time() {
        let (space, slabs) = slabs();
        let spares = Spares::NONE;
        spares.note_used(1000);
        assert_eq!(fall_and_rise(&spares, &space, &slabs[..100]), FIRST_ROOM);
        assert_eq!(fall_and_rise(&spares, &space, &slabs[..100]), 100);
        assert_eq!(fall_and_rise(&spares, &space, &slabs[..200]), 100);
        assert_eq!(fall_and_rise(&spares, &space, &slabs[..200]), 200);
    }

    #[test]
    fn there_is_no_room_without_end() {
        let (space, slabs) = slabs();
        let spares = Spares::NONE;
        spares.note_used(5000);
        fall_and_rise(&spares, &space, &slabs);
        assert_eq!(fall_and_rise(&spares, &space, &slabs), MOST_ROOM);
    }

    #[test]
    fn who_uses_little_keeps_little() {
        let (space, slabs) = slabs();
        let spares = Spares::NONE;
        spares.note_used(300);
        for _ in 0..3 {
            fall_and_rise(&spares, &space, &slabs[..200]);
        }
        assert_eq!(fall_and_rise(&spares, &space, &slabs[..200]), 100, "as many as are used");
        assert_eq!(fall_and_rise(&spares, &space, &slabs[..300]), UNUSED_ROOM);
    }

    #[test]
    fn the_last_one_is_taken_first() {
        let (space, slabs) = slabs();
        let spares = Spares::NONE;
        assert!(slabs[..3].iter().all(|&slab| spares.keep(&space, slab)));
        let taken: Vec<_> = core::iter::from_fn(|| spares.take(&space)).collect();
        assert_eq!(taken, [slabs[2], slabs[1], slabs[0]]);
    }
}

//! When memory that nobody uses goes back to the system. What lies in the depot is used by nobody.

use crate::arena::Arena;
use crate::state::State;

/// What decides whether memory is idle: how far the heap's use has fallen since it was last tidied.
#[derive(Debug)]
pub(crate) struct Idle {
    /// The most bytes in use since then.
    most: isize,
    /// So many bytes may be free without being given back.
    allowance: isize,
    /// Bytes in use before the heap was tidied: a program that gets there again wants its memory back.
    tidied_from: isize,
}

/// The allowance of a program that has not yet wanted memory back, in bytes.
const FIRST_ALLOWANCE: isize = 128 << 10;

/// The largest allowance that a program can teach.
const LARGEST_ALLOWANCE: isize = 64 << 20;

/// A fall by this fraction is not looked at: what is tidied each time costs more than it gives.
const FRACTION: isize = 16;

/// Free blocks from this size on are purged.
const LARGE: usize = 16 << 10;

impl Idle {
    pub(crate) const NEW: Self = Self { most: 0, allowance: FIRST_ALLOWANCE, tidied_from: isize::MAX };

    /// The heap's use has risen to `in_use`, if it is more than before.
    #[inline]
    pub(crate) fn rise(&mut self, in_use: isize) {
        if in_use > self.most {
            self.most = in_use;
            // Nearly is enough: how much of it caches hold is never quite the same.
            if in_use >= self.tidied_from - self.tidied_from / FRACTION {
                self.learn();
            }
        }
    }

    /// The program uses again what was given back: it may keep twice as much from now on, and so needs few lessons.
    #[cold]
    fn learn(&mut self) {
        self.allowance = self.allowance.max(self.tidied_from.saturating_mul(2).min(LARGEST_ALLOWANCE));
        self.tidied_from = isize::MAX;
    }

    /// Whether the heap's use, which is `in_use` now, has fallen so far that it is to be tidied.
    #[inline]
    pub(crate) fn falls(&mut self, in_use: isize) -> bool {
        let fallen = self.most - in_use;
        let falls = fallen > self.allowance && fallen > self.most / FRACTION;
        if falls {
            self.tidied_from = if self.tidied_from == isize::MAX { self.most } else { self.tidied_from };
            self.most = in_use;
        }
        falls
    }
}

impl Arena {
    /// After an allocation from the heap.
    #[inline]
    pub(crate) fn note_rise(&mut self) {
        let used = self.bytes_used();
        self.idle.rise(used);
    }

    /// After blocks went back to the heap: gives memory back if much has become free.
    #[inline]
    pub(crate) fn note_fall(&mut self) {
        if self.is_falling() {
            self.tidy();
        }
    }

    /// Bytes that callers and their threads have: of the heap's blocks, and for what keeps them. Less than none if most of what there
    /// is in the depot has come from other arenas.
    #[inline]
    fn bytes_used(&self) -> isize {
        self.heap.bytes_in_use() as isize + self.magazines - self.depot.bytes() as isize
    }

    /// Whether much has become free, and the heap is to be [tidied](Self::tidy).
    #[inline]
    pub(crate) fn is_falling(&mut self) -> bool {
        let used = self.bytes_used();
        self.idle.falls(used)
    }

    /// Gives back what can be, but for `keep` bytes at the end of the heap. Returns how many bytes the system was given or
    /// told to drop.
    pub(crate) fn trim(&mut self, keep: usize) -> usize {
        self.drain();
        self.heap.trim(keep) + self.heap.purge(LARGE)
    }

    /// Gives back what lies in the depot, what this thread keeps above the classes, and large free blocks.
    #[cold]
    pub(crate) fn tidy(&mut self) {
        self.take_recent();
        self.drain();
        self.heap.purge(LARGE);
        self.idle.most = self.bytes_used();
    }

    fn drain(&mut self) {
        let (depot, mut behind) = self.parts();
        depot.drain(&mut behind);
    }
}

/// In hardened mode.
impl State {
    /// After an allocation from the heap.
    pub(crate) fn note_rise(&mut self) {
        if let Some(hardened) = &self.hardened {
            self.idle.rise(hardened.heap.bytes_in_use() as isize);
        }
    }

    /// After blocks went back to the heap: gives memory back if much has become free.
    pub(crate) fn note_fall(&mut self) {
        let Some(hardened) = &mut self.hardened else { return };
        if self.idle.falls(hardened.heap.bytes_in_use() as isize) {
            self.main.tidy();
            hardened.heap.purge(LARGE);
            self.idle.most = hardened.heap.bytes_in_use() as isize;
        }
    }

    /// Gives back what can be, but for `keep` bytes at the end of each heap, in all of them but those of other arenas. Returns how many
    /// bytes the system was given or told to drop.
    pub(crate) fn trim(&mut self, keep: usize) -> usize {
        let hardened = self.hardened.as_mut();
        let more = hardened.map_or(0, |hardened| hardened.heap.trim(keep) + hardened.heap.purge(LARGE));
        self.main.trim(keep) + more
    }

    /// Gives back all that can be, what is kept for safety too: there is no memory otherwise.
    #[cold]
    pub(crate) fn trim_for_memory(&mut self) -> usize {
        if let Some(hardened) = &mut self.hardened {
            hardened.empty_quarantine();
        }
        self.trim(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: isize = 1 << 20;

    #[test]
    fn a_fall_is_one_if_it_is_large_beside_the_use_and_the_allowance() {
        let mut idle = Idle::NEW;
        idle.rise(100 * MIB);
        assert!(!idle.falls(95 * MIB), "less than a sixteenth");
        assert!(idle.falls(93 * MIB));
        assert!(!idle.falls(93 * MIB), "once");
        idle.rise(4 * MIB);
        assert!(idle.falls(4 * MIB));
        assert!(!idle.falls(4 * MIB - FIRST_ALLOWANCE), "no more than the allowance");
        assert!(idle.falls(3 * MIB));
    }

    #[test]
    fn a_program_that_comes_back_keeps_its_memory() {
        let mut idle = Idle::NEW;
        idle.rise(10 * MIB);
        assert!(idle.falls(5 * MIB) && idle.falls(0));
        idle.rise(10 * MIB);
        assert!(!idle.falls(0), "it has been there before");
        idle.rise(30 * MIB);
        assert!(idle.falls(0));
        idle.rise(30 * MIB);
        assert!(!idle.falls(0));
        idle.rise(200 * MIB);
        assert!(idle.falls(0));
        idle.rise(200 * MIB);
        assert!(idle.falls(200 * MIB - LARGEST_ALLOWANCE - 1), "more than can be taught");
    }

    /// It did not learn from that once, and gave back all it had in every round.
    #[test]
    fn nearly_where_it_was_is_near_enough() {
        let mut idle = Idle::NEW;
        idle.rise(10 * MIB + 20_000);
        assert!(idle.falls(0));
        idle.rise(10 * MIB);
        assert!(!idle.falls(0));
    }
}

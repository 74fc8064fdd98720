//! Where freed blocks wait before their memory is used again.

use core::ptr::NonNull;

use super::random;

/// Blocks that were freed, in random order: a newcomer takes the place of one that was here, which is let go.
///
/// That each leaves at a random time, and not in turn, is what hardened_malloc and others do so that nobody can count on
/// when an address comes back. On average a block waits for as many frees as there are slots.
#[derive(Debug)]
pub(crate) struct Quarantine {
    slots: [Option<Kept>; SLOTS],
    /// Of all that wait, together.
    bytes: usize,
}

/// A block in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) payload: NonNull<u8>,
    /// In bytes, header included.
    pub(crate) size: usize,
}

/// A power of two.
const SLOTS: usize = 1024;

/// At most so many bytes wait, or this fraction of the heap, whichever is more.
const LEAST: usize = 1 << 20;
const FRACTION: usize = 16;

/// A block that is larger than this fraction of what may wait does not: it would drive out too many.
const LARGE: usize = 8;

impl Quarantine {
    pub(crate) const EMPTY: Self = Self { slots: [None; SLOTS], bytes: 0 };

    /// The bytes that may wait beside a heap of `footprint` bytes.
    const fn limit(footprint: usize) -> usize {
        let part = footprint / FRACTION;
        if part > LEAST { part } else { LEAST }
    }

    /// Whether a block of `size` bytes may wait at all.
    #[inline]
    pub(crate) const fn admits(size: usize, footprint: usize) -> bool {
        size <= LEAST / LARGE || size <= Self::limit(footprint) / LARGE
    }

    /// Puts a block in. Returns the one whose place it takes.
    #[inline]
    pub(crate) fn put(&mut self, block: Kept) -> Option<Kept> {
        let slot = self.slots.get_mut(random::below(SLOTS))?;
        let out = slot.replace(block);
        self.bytes = self.bytes + block.size - out.map_or(0, |out| out.size);
        out
    }

    /// Takes out one that is not `kept`, if more wait than may.
    #[inline]
    pub(crate) fn excess(&mut self, footprint: usize, kept: Kept) -> Option<Kept> {
        if self.bytes > LEAST && self.bytes > Self::limit(footprint) { self.take(Some(kept)) } else { None }
    }

    /// Takes out any one but `kept`. `None` if there is no other.
    #[cold]
    pub(crate) fn take(&mut self, kept: Option<Kept>) -> Option<Kept> {
        let (before, from) = self.slots.split_at_mut_checked(random::below(SLOTS))?;
        let out = from.iter_mut().chain(before).find(|slot| slot.is_some() && **slot != kept)?.take()?;
        self.bytes -= out.size;
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: usize, size: usize) -> Kept {
        let payload = NonNull::new(core::ptr::without_provenance_mut(16 * number + 16)).unwrap();
        Kept { payload, size }
    }

    #[test]
    fn a_newcomer_takes_the_place_of_another() {
        let mut quarantine = Quarantine::EMPTY;
        let out = (0..10 * SLOTS).filter_map(|number| quarantine.put(block(number, 32))).count();
        assert!(out >= 9 * SLOTS, "no more than there are slots wait");
        let rest = core::iter::from_fn(|| quarantine.take(None)).count();
        assert_eq!((out + rest, quarantine.bytes), (10 * SLOTS, 0));
    }

    #[test]
    fn more_than_may_wait_goes_but_not_what_has_just_come() {
        let mut quarantine = Quarantine::EMPTY;
        let large = LEAST / LARGE;
        assert!(Quarantine::admits(large, 0) && !Quarantine::admits(large + 1, 0));
        assert!(Quarantine::admits(2 * large, 2 * FRACTION * LEAST));
        for number in 0..100 {
            let newcomer = block(number, large);
            quarantine.put(newcomer);
            while let Some(out) = quarantine.excess(0, newcomer) {
                assert_ne!(out, newcomer);
            }
            assert!(quarantine.bytes <= LEAST);
        }
        assert_eq!(core::iter::from_fn(|| quarantine.take(None)).count(), LARGE);
    }
}

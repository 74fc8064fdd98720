//! Random numbers for where blocks are placed. They cost a few instructions, and are no secret that would stand against
//! somebody who reads the memory of the process.

use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

static STATE: AtomicU64 = AtomicU64::new(0);

/// Starts somewhere else.
pub(crate) fn seed(word: u64) {
    STATE.store(word, Relaxed);
}

/// A number below `limit`, a power of two. Under the lock, so that no two calls get the same one.
#[inline]
pub(crate) fn below(limit: usize) -> usize {
    debug_assert!(limit.is_power_of_two());
    next() as usize & (limit - 1)
}

/// 64 bits. Under the lock.
pub(crate) fn next() -> u64 {
    let state = following(STATE.load(Relaxed));
    STATE.store(state, Relaxed);
    mixed(state)
}

/// Numbers for one thread.
#[derive(Debug)]
pub(crate) struct Random(Cell<u64>);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    /// A number below `limit`. (Lemire, *Fast Random Integer Generation in an Interval*, 2019, without the correction of a
    /// bias that is not seen with limits this small.)
    #[inline]
    pub(crate) fn below(&self, limit: u32) -> u32 {
        let state = following(self.0.get());
        self.0.set(state);
        ((mixed(state) & 0xFFFF_FFFF).wrapping_mul(u64::from(limit)) >> 32) as u32
    }
}

const fn following(state: u64) -> u64 {
    state.wrapping_add(0xA076_1D64_78BD_642F)
}

/// Wang Yi's *wyrand*: a counter, and a product of two words, folded.
#[inline]
const fn mixed(state: u64) -> u64 {
    let product = state as u128 * (state ^ 0xE703_7ED1_A0B4_28DB) as u128;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_even(numbers: impl Iterator<Item = usize>) -> bool {
        let mut counts = [0; 8];
        numbers.for_each(|number| counts[number] += 1);
        counts.iter().all(|count| (800..1200).contains(count))
    }

    #[test]
    fn every_number_comes_up() {
        seed(7);
        assert!(is_even((0..8000).map(|_| below(8))));
        let random = Random::new(7);
        assert!(is_even((0..8000).map(|_| random.below(8) as usize)));
    }
}

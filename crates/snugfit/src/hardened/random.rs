//! Random numbers for where blocks are placed. They cost a few instructions, and are no secret that would stand against
//! somebody who reads the memory of the process.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

static STATE: AtomicU64 = AtomicU64::new(0);

/// Starts somewhere else.
pub(crate) fn seed(word: u64) {
    STATE.store(word, Relaxed);
}

/// A number below `limit`, a power of two. Under the lock, so that no two calls get the same one. (Wang Yi's *wyrand*: a
/// counter, and a product of two words, folded.)
#[inline]
pub(crate) fn below(limit: usize) -> usize {
    debug_assert!(limit.is_power_of_two());
    let state = STATE.load(Relaxed).wrapping_add(0xA076_1D64_78BD_642F);
    STATE.store(state, Relaxed);
    let product = u128::from(state) * u128::from(state ^ 0xE703_7ED1_A0B4_28DB);
    ((product >> 64) as u64 ^ product as u64) as usize & (limit - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_up() {
        seed(7);
        let mut counts = [0; 8];
        (0..8000).for_each(|_| counts[below(8)] += 1);
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
    }
}

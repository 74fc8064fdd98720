//! Numbers without a pattern, and the same ones in every run.

/// Marsaglia's xorshift, with a multiplication at the end: two nanoseconds a number, so it may run inside a timing.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        // The state must not be 0, and small seeds are to differ in many bits.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `bound`, which is at most 2^32.
    #[inline]
    pub const fn below(&mut self, bound: usize) -> usize {
        debug_assert!(bound <= 1 << 32);
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let upper = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        (upper as usize * bound) >> 32
    }

    /// Brings `items` into random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

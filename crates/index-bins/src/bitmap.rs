//! Which bins are not empty.

/// A bitmap of `WORDS * 64` bits with a summary word over it, so that the next set bit is found in two steps.
///
/// Bit `w` of the summary is set iff `words[w]` is not zero.
#[derive(Debug)]
pub(crate) struct Bitmap<const WORDS: usize> {
    summary: u64,
    words: [u64; WORDS],
}

impl<const WORDS: usize> Bitmap<WORDS> {
    /// No bit set.
    pub(crate) const EMPTY: Self = {
        assert!(WORDS < 64, "the summary is one word, and shifting it past its end is undefined");
        Self { summary: 0, words: [0; WORDS] }
    };

    #[inline]
    fn word(&mut self, number: usize) -> &mut u64 {
        debug_assert!(number < WORDS * 64);
        // SAFETY: the callers are in this crate, and pass the number of a bin, of which there are no more than bits.
        unsafe { self.words.get_unchecked_mut(number / 64) }
    }

    /// Whether bit `number` is set.
    pub(crate) const fn contains(&self, number: usize) -> bool {
        self.words[number / 64] >> (number % 64) & 1 != 0
    }

    /// Sets bit `number`, which must be below `WORDS * 64`.
    #[inline]
    pub(crate) fn set(&mut self, number: usize) {
        *self.word(number) |= 1 << (number % 64);
        self.summary |= 1 << (number / 64);
    }

    /// Clears bit `number`, which must be below `WORDS * 64`.
    #[inline]
    pub(crate) fn clear(&mut self, number: usize) {
        let word = self.word(number);
        *word &= !(1 << (number % 64));
        if *word == 0 {
            self.summary &= !(1 << (number / 64));
        }
    }

    /// The first set bit at `number` or after.
    #[inline]
    pub(crate) fn first_from(&self, number: usize) -> Option<usize> {
        let word = number / 64;
        let here = self.words.get(word)? & !0 << (number % 64);
        if here != 0 {
            return Some(word * 64 + here.trailing_zeros() as usize);
        }
        let later = self.summary & !0 << (word + 1);
        let word = later.trailing_zeros() as usize;
        // With no later word the number is 64, which is out of range too.
        let bits = self.words.get(word)?;
        Some(word * 64 + bits.trailing_zeros() as usize)
    }

    /// The first word whose summary bit is wrong, for validation.
    pub(crate) fn wrong_summary(&self) -> Option<usize> {
        (0..WORDS).find(|&word| (self.summary >> word & 1 != 0) != (self.words[word] != 0))
    }

    /// Makes the summary of the first word wrong.
    #[cfg(test)]
    pub(crate) const fn damage_summary(&mut self) {
        self.summary ^= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_from_agrees_with_a_scan() {
        let mut map = Bitmap::<3>::EMPTY;
        let set = [0, 1, 63, 64, 100, 127, 128, 191];
        for drop in 0..=set.len() {
            for &bit in &set[drop..] {
                map.set(bit);
            }
            for from in 0..300 {
                let scan = set[drop..].iter().copied().find(|&bit| bit >= from);
                assert_eq!(map.first_from(from), scan, "from {from} without the first {drop}");
            }
            assert_eq!(map.wrong_summary(), None);
            for &bit in &set[drop..] {
                assert!(map.contains(bit));
                map.clear(bit);
                assert!(!map.contains(bit));
            }
        }
        assert_eq!((map.summary, map.words), (0, [0; 3]));
    }
}

//! The large bins: eight tries for every power of two.

use core::marker::PhantomData;

use snugfit_index::{Guard, IndexViolation, Part, Ring, Rule};
use snugfit_tag::{Block, MAX_BLOCK};

use crate::bitmap::Bitmap;
use crate::small::SMALL_LIMIT;
use crate::trie::{self, Span};

/// Bits of a size, below its highest, that choose among the tries of one power of two.
const FRACTION_BITS: u32 = 3;
/// The highest bit of the smallest large size.
const FIRST_POWER: u32 = SMALL_LIMIT.trailing_zeros();
/// Sizes have 32 bits.
const BINS: usize = ((u32::BITS - FIRST_POWER) << FRACTION_BITS) as usize;
const WORDS: usize = BINS.div_ceil(64);

const _: () = assert!(SMALL_LIMIT.is_power_of_two(), "the first trie starts where the lists end");

/// Bin `n` is a trie; its bit is set iff it is not empty.
#[derive(Debug)]
pub(crate) struct Tries<G> {
    pub(crate) map: Bitmap<WORDS>,
    roots: [Option<Block>; BINS],
    guard: PhantomData<G>,
}

/// Where a large size belongs.
struct Place {
    bin: usize,
    span: Span,
}

impl Place {
    #[inline]
    const fn of(size: usize) -> Self {
        debug_assert!(size >= SMALL_LIMIT);
        let power = usize::BITS - 1 - size.leading_zeros();
        let fraction = size >> (power - FRACTION_BITS) & ((1 << FRACTION_BITS) - 1);
        let bin = ((power - FIRST_POWER) << FRACTION_BITS) as usize + fraction;
        Self { bin, span: Span { top_bit: power - FRACTION_BITS - 1 } }
    }

    /// The upper bits that the sizes of `bin` share, and the number of bits below them.
    const fn prefix(bin: usize) -> (usize, u32) {
        let power = FIRST_POWER + (bin >> FRACTION_BITS) as u32;
        let fraction = bin & ((1 << FRACTION_BITS) - 1);
        (1 << FRACTION_BITS | fraction, power - FRACTION_BITS)
    }
}

impl<G: Guard> Tries<G> {
    pub(crate) const EMPTY: Self = Self { map: Bitmap::EMPTY, roots: [None; BINS], guard: PhantomData };

    #[inline]
    fn root(&mut self, bin: usize) -> &mut Option<Block> {
        debug_assert!(bin < BINS);
        // SAFETY: callers pass the bin of a size, and there is one for every size below 2^32.
        unsafe { self.roots.get_unchecked_mut(bin) }
    }

    /// # Safety
    /// - As for `FreeIndex::insert`; `size` is at least [`SMALL_LIMIT`].
    #[inline(never)]
    pub(crate) unsafe fn insert(&mut self, block: Block, size: usize) {
        let Place { bin, span } = Place::of(size);
        // SAFETY: the trie of this bin is where the size belongs.
        unsafe { trie::insert::<G>(self.root(bin), span, block, size) };
        self.map.set(bin);
    }

    /// # Safety
    /// - As for `FreeIndex::remove`; `size` is at least [`SMALL_LIMIT`].
    #[inline(never)]
    pub(crate) unsafe fn remove(&mut self, block: Block, size: usize) {
        let bin = Place::of(size).bin;
        let root = self.root(bin);
        // SAFETY: a block inserted with this size is in this trie.
        unsafe { trie::remove::<G>(root, block) };
        if root.is_none() {
            self.map.clear(bin);
        }
    }

    /// Replaces one large entry by another, if that is alone in its bin, and stays there: it just moves. False, with nothing changed, if
    /// it is not, or does not.
    ///
    /// # Safety
    /// - As for `FreeIndex::replace`; both sizes are at least [`SMALL_LIMIT`].
    #[inline(never)]
    pub(crate) unsafe fn replace_alone(&mut self, from: Block, old: usize, to: Block, new: usize) -> bool {
        let Place { bin, span } = Place::of(old);
        let same_bin = old >> (span.top_bit + 1) == new >> (span.top_bit + 1);
        // SAFETY: the caller's promises.
        unsafe {
            let moves = same_bin && trie::is_alone::<G>(from) && *self.root(bin) == Some(from);
            if moves {
                trie::start::<G>(to, to);
                *self.root(bin) = Some(to);
            }
            moves
        }
    }

    /// The best fit of `size`, large or not, among the large blocks.
    pub(crate) fn find(&self, size: usize) -> Option<Block> {
        let node = if size < SMALL_LIMIT { self.smallest_from(0) } else { self.find_large(size) };
        // SAFETY: what was found is a node of a trie, and those are oldest of their rings.
        node.map(|node| unsafe { Ring::<G>::of(node) }.newest())
    }

    fn find_large(&self, size: usize) -> Option<Block> {
        if size > MAX_BLOCK {
            return None;
        }
        let Place { bin, span } = Place::of(size);
        // SAFETY: the root is that of the trie where `size` belongs.
        let here = self
            .roots
            .get(bin)
            .copied()
            .flatten()
            .and_then(|root| unsafe { trie::find::<G>(root, span, size) });
        here.or_else(|| self.smallest_from(bin + 1))
    }

    /// The node of the smallest size in bin `bin` and later ones.
    fn smallest_from(&self, bin: usize) -> Option<Block> {
        let root = self.roots.get(self.map.first_from(bin)?).copied().flatten()?;
        // SAFETY: a root is a node.
        Some(unsafe { trie::smallest::<G>(root) })
    }

    pub(crate) fn for_each(&self, see: &mut dyn FnMut(Block)) {
        if let Err(violation) = self.visit(see) {
            G::broken(violation.address.unwrap_or_default(), Part::Link);
        }
    }

    pub(crate) fn validate(&self) -> Result<(), IndexViolation> {
        IndexViolation::unless(self.map.wrong_summary().is_none(), Rule::Mapped, None)?;
        for (bin, root) in self.roots.iter().enumerate() {
            IndexViolation::unless(self.map.contains(bin) == root.is_some(), Rule::Mapped, *root)?;
        }
        self.visit(&mut |_| ())
    }

    fn visit(&self, see: &mut dyn FnMut(Block)) -> Result<(), IndexViolation> {
        for (bin, root) in self.roots.iter().enumerate() {
            if let Some(root) = *root {
                let (prefix, below) = Place::prefix(bin);
                // SAFETY: a root is a node.
                unsafe { trie::visit::<G>(root, prefix, below, see)? };
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_follow_each_other_without_gap_or_overlap() {
        let mut last = 0;
        for granules in SMALL_LIMIT / 16..1 << 20 {
            let size = granules * 16;
            let bin = Place::of(size).bin;
            assert!(bin == last || bin == last + 1, "size {size} skips a bin");
            let (prefix, below) = Place::prefix(bin);
            assert_eq!(size >> below, prefix, "size {size} in bin {bin}");
            last = bin;
        }
        assert_eq!(Place::of(MAX_BLOCK).bin, BINS - 1);
    }
}

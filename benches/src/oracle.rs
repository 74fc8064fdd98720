//! The least that any index costs.

use snugfit_index::FreeIndex;
use snugfit_tag::{Block, GRANULE, MAX_BLOCK};

/// Not an index, but the floor under all of them: it knows without a search which block to return, any one, and touches
/// it as taking out and putting in must. With many blocks spread over memory, what remains is the time of fetching one
/// block that nobody has touched for a long time.
///
/// It does not keep the contract of `FreeIndex` (the block is not the best fit) and serves no heap. It expects blocks at
/// equal distances.
#[derive(Debug)]
pub struct Oracle {
    lowest: Option<Block>,
    highest: Option<Block>,
    count: usize,
}

impl Oracle {
    /// Some block, the same for the same size.
    fn guess(&self, size: usize) -> Option<Block> {
        let (lowest, highest) = (self.lowest?, self.highest?);
        // Odd, and large: sizes that are close lead to blocks that are not.
        let spread = size.div_ceil(GRANULE).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let place = (spread * self.count) >> 32;
        let spacing = (highest.address() - lowest.address()) / (self.count - 1).max(1);
        // SAFETY: a population lies in one mapping, at equal distances, with a block at every place.
        Some(unsafe { lowest.offset(place * spacing) })
    }
}

// SAFETY: it returns blocks that were inserted, as long as none is missing when it is asked, and writes to their links
// only. It does not keep the contract, and says so.
unsafe impl FreeIndex for Oracle {
    const EMPTY: Self = Self { lowest: None, highest: None, count: 0 };

    unsafe fn insert(&mut self, block: Block, _size: usize) {
        self.lowest = Some(self.lowest.map_or(block, |lowest| lowest.min(block)));
        self.highest = self.highest.max(Some(block));
        self.count += 1;
        // SAFETY: the caller gives us the links.
        unsafe { block.set_link(0, Some(block)) };
    }

    unsafe fn remove(&mut self, block: Block, _size: usize) {
        self.count -= 1;
        // SAFETY: the block is ours.
        unsafe { block.set_link(0, None) };
    }

    fn find(&self, size: usize) -> Option<Block> {
        self.guess(size).filter(|block| block.size() <= MAX_BLOCK)
    }

    fn for_each(&self, _visit: &mut dyn FnMut(Block)) {}
}

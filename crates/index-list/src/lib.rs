//! A free index that is one linked list: nothing simpler keeps the contract.
//!
//! | operation | cost |
//! |---|---|
//! | `insert`, `remove`, `replace` | O(1) |
//! | `find`, `take` | O(n); less when a block of exactly the size asked for comes early |
//! | the index itself | one pointer |
//!
//! Choose it where free blocks are few (tens, say: a small fixed buffer, a short-lived heap), where code size counts,
//! or as the oracle that a cleverer index is tested against. With thousands of free blocks each search reads
//! thousands of headers, all over the heap: take the tree or the bins.
//!
//! ```
//! use snugfit_index::FreeIndex;
//! use snugfit_list::ListIndex;
//! use snugfit_tag::{Block, Seal, Tag};
//!
//! // Two free blocks in a row, of 48 and 64 bytes; headers are at 8 mod 16.
//! let mut memory = [0u128; 8];
//! let start = std::ptr::NonNull::from(&mut memory).cast::<u8>();
//! // Sound: both blocks lie within `memory`, which outlives them and is used for nothing else.
//! let (small, large) = unsafe {
//!     let small = Block::from_header(start.byte_add(8));
//!     (small, small.offset(48))
//! };
//! let mut index = ListIndex::EMPTY;
//! for (block, size) in [(small, 48), (large, 64)] {
//!     block.set_tag(Tag::free(size));
//!     block.set_seal(Seal::FREE);
//!     // Sound: the block is free, its tag is true, and nobody else writes to it.
//!     unsafe { index.insert(block, size) };
//! }
//! assert_eq!(index.find(33), Some(small));
//! assert_eq!(index.take(49), Some((large, 64)));
//! assert_eq!(index.take(49), None);
//! ```
#![no_std]

use snugfit_index::{FreeIndex, Guard, IndexViolation, List, Part, Plausible};
use snugfit_tag::{Block, GRANULE, MIN_BLOCK};

/// All free blocks in one list, newest first, searched from end to end. See the crate's documentation.
#[derive(Debug, Default)]
pub struct GuardedList<G> {
    blocks: List<G>,
}

/// [`GuardedList`] for whoever does not know where its memory is.
pub type ListIndex = GuardedList<Plausible>;

// SAFETY: the list holds exactly the blocks that were inserted and not removed, links them through the two words
// that every block has, and reads the tag of none but those. `find` keeps the contract as it says.
unsafe impl<G: Guard> FreeIndex for GuardedList<G> {
    const EMPTY: Self = Self { blocks: List::EMPTY };

    #[inline]
    unsafe fn insert(&mut self, block: Block, _size: usize) {
        // SAFETY: the caller gives us the block, links included.
        unsafe { self.blocks.push(block) };
    }

    #[inline]
    unsafe fn remove(&mut self, block: Block, _size: usize) {
        // SAFETY: the caller says that the block is in the list.
        unsafe { self.blocks.unlink(block) };
    }

    /// Of equals the one met first is kept, and the newest is met first.
    fn find(&self, size: usize) -> Option<Block> {
        let (mut best, mut best_size) = (None, usize::MAX);
        for block in self.blocks.iter() {
            let found = block.size();
            if found >= size && found < best_size {
                (best, best_size) = (Some(block), found);
                // Nothing is closer than the smallest block that can hold `size` bytes: an exact fit.
                if found - size < GRANULE || found == MIN_BLOCK {
                    break;
                }
            }
        }
        best
    }

    fn for_each(&self, visit: &mut dyn FnMut(Block)) {
        self.blocks.iter().for_each(visit);
    }

    fn is_empty(&self) -> bool {
        self.blocks.newest().is_none()
    }

    fn broken(block: usize, part: Part) -> ! {
        G::broken(block, part)
    }

    fn validate(&self) -> Result<(), IndexViolation> {
        self.blocks.validate(|size| size >= MIN_BLOCK)
    }
}

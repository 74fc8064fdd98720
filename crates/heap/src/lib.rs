//! The engine: a boundary-tag heap with exact best fit, over any [`Source`] of memory, any [`FreeIndex`] and either
//! block [`Format`].
//!
//! ```text
//!  segment (newest)                                              untouched
//!  ┌────────┬───────┬──────┬───────┬───────┬──────┬──────────┬ ─ ─ ─ ─ ─ ─ ─ ┐
//!  │ record │ block │ free │ block │ block │ free │ epilogue │      top
//!  └────────┴───────┴──────┴───────┴───────┴──────┴──────────┴ ─ ─ ─ ─ ─ ─ ─ ┘
//!  24 bytes                                         8 bytes       end of the segment ▲
//! ```
//!
//! - **Allocate.** The index gives the smallest free block that is large enough; if nothing fits, the block is cut
//!   from the top; if the top is too small, the source grows it. What is left of a block becomes a free block if it
//!   has 32 bytes or more.
//! - **Deallocate.** The block is joined with free neighbours at once. If it is the last one, the epilogue moves down
//!   instead and the block is top again; when the top gets large, its end goes back to the source.
//! - **Top.** The unused end of the newest segment lies *behind* the epilogue, so it is in no index, has no header and
//!   no footer, and what was never used of it was never touched: growing in large steps costs address space only.
//!   When a segment cannot be grown any more (a foreign program break, the end of a reservation), its top becomes an
//!   ordinary free block and a new segment starts.
//! - **A wrong pointer** is a typed error ([`BadPointer`]), found by the block's seal. See [`Heap::deallocate`] for
//!   what is required of a pointer all the same: a heap has no page map.
//!
//! A heap is for one thread at a time. It may be moved: nothing in its memory points back into it.
//!
//! ```
//! use snugfit_bins::BinsIndex;
//! use snugfit_heap::Heap;
//! use snugfit_source::{Mapped, os};
//! use snugfit_tag::Key;
//!
//! let [mask, multiplier] = os::random_words();
//! let mut heap: Heap<Mapped, BinsIndex> = Heap::new(Mapped::new(), Key::new(mask, multiplier));
//! let payload = heap.allocate(100).expect("a hundred bytes");
//! // Sound: a hundred bytes were asked for.
//! unsafe { payload.write_bytes(7, 100) };
//! assert_eq!(heap.validate(), Ok(()));
//! // Sound: the payload is this heap's and is not used any more.
//! unsafe { heap.deallocate(payload)? };
//! # Ok::<(), snugfit_heap::BadPointer>(())
//! ```
//!
//! # Invariants
//!
//! [`Heap::validate`] checks them, and each [`Violation`] cites its number.
//!
//! 1. Blocks tile each segment exactly, from its first block to its epilogue.
//! 2. Sizes are multiples of 16, at least the minimum block.
//! 3. A free block's footer equals its size; the next block's *previous in use* is clear, and only then.
//! 4. No two free blocks are neighbours, and none lies before the top.
//! 5. Every free block is in the index once, every index entry is a free block; counts and bytes agree.
//! 6. The index's own order holds.
//! 7. Every in-use or cached block's seal is valid for its address, size and state (and so is its footer, if mirrored).
//! 8. Blocks in use, free blocks, metadata and dirty top add up to the footprint.
//! 9. Segments are disjoint, and aligned in extent to the granularity of their source.
#![no_std]

#[cfg(test)]
extern crate std;

mod allocate;
mod cached;
mod check;
mod deallocate;
mod exact;
mod grow;
mod heap;
mod purge;
mod regrowth;
mod resize;
mod run;
mod segment;
mod stats;
mod top;
mod validate;
mod violation;
mod walk;

pub use check::BadPointer;
pub use heap::Heap;
pub use resize::ResizeError;
pub use segment::SegmentInfo;
pub use stats::Stats;
pub use violation::Violation;
pub use walk::BlockInfo;

#[cfg(doc)]
use {snugfit_index::FreeIndex, snugfit_source::Source, snugfit_tag::Format};

//! A free index of size bins: constant time for small sizes, and few steps for large ones. The default of Snugfit.
//!
//! ```text
//!  small   one list per size           32   48   64   80  ...  8176     bitmap: which are not empty
//!                                       │         │    │
//!                                       ▼         ▼    ▼
//!                                       ○         ○    ○
//!                                       ○              ○
//!  large   one trie per eighth of a    8192.. 9216.. 10240.. ... 3.75 Gi..   bitmap: which are not empty
//!          power of two                  │              │
//!                                        ○              ○
//!                                       ╱ ╲            ╱
//!                                      ○   ○          ○
//! ```
//!
//! A small request looks at its own bit, then at the next bit that is set: one list holds one size, so the first
//! block found is the best fit. Above 8 KiB exact lists would cost more memory than they save time, so sizes share
//! bins, eight for every power of two, and a bin is a bitwise trie (Doug Lea's malloc keeps such tries, two for every
//! power of two; eight save two steps a descent). What was left of the large block that was cut last is in none, for it will be cut
//! again, most probably.
//!
//! | operation | small sizes | large sizes |
//! |---|---|---|
//! | `insert`, `remove`, `take`, `find` | O(1) | O(bits): at most one step per size bit left, 6 to 24 |
//! | memory | 5.3 KiB in the index, once | none beyond the free blocks |
//!
//! ```
//! use snugfit_bins::BinsIndex;
//! use snugfit_index::FreeIndex;
//!
//! let index = BinsIndex::EMPTY;
//! assert!(index.find(32).is_none());
//! ```
#![no_std]

mod bitmap;
mod index;
mod large;
mod small;
mod trie;
mod tries;

pub use index::{BinsIndex, GuardedBins};

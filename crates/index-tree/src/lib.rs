//! A free index that is a rank-balanced search tree, ordered by size: O(log n) for every operation.
//!
//! The tree has one node per *distinct* size. Blocks of equal size form a ring behind the node, so a hundred blocks
//! of one size are one node, and adding or taking one of them does not touch the tree at all.
//!
//! ```text
//!                        ┌──────┐  ring   ┌──────┐   ┌──────┐
//!                        │  208 │ ◀─────▶ │  208 │ ◀▶│  208 │      node: the oldest of its size
//!                        └──────┘         └──────┘   └──────┘      answer to a search: the newest
//!                       ╱        ╲
//!                ┌──────┐        ┌──────┐
//!                │   96 │        │ 4096 │
//!                └──────┘        └──────┘
//! ```
//!
//! It is a *weak AVL tree* (Haeupler, Sen and Tarjan, "Rank-Balanced Trees", ACM Transactions on Algorithms 11(4),
//! 2015). Each node has a rank, a missing node has rank -1, and two rules hold:
//!
//! 1. a child's rank is one or two less than its parent's;
//! 2. a leaf has rank 0.
//!
//! Hence the height is at most the rank of the root, which is at most 2 log2 n.
//!
//! An insertion or a removal restores the rules with at most two rotations. While nothing was removed, the tree is an
//! AVL tree, at most 1.44 log2 n high; after removals it is never worse than a red-black tree, whose removal takes
//! three rotations and more cases.
//!
//! | operation | cost, with n distinct sizes |
//! |---|---|
//! | `find` | O(log n): one or two cache lines per level |
//! | `insert`, `take` | the same descent, and O(1) amortised rebalancing |
//! | `remove` | no descent: O(1) amortised, O(log n) at worst |
//! | `insert`, `remove` of a size that others have | no rebalancing |
//! | sizes 32 and 48, too small for a node | O(1), in lists of their own |
//! | the index itself | three pointers |
//!
//! Choose it where the worst case counts: no sequence of calls makes an operation slower than a short descent, however
//! many free blocks there are and whatever their sizes, and the index itself costs 24 bytes. Where most blocks are
//! small, bins find them in constant time.
//!
//! ```
//! use snugfit_index::FreeIndex;
//! use snugfit_tag::{Block, Seal, Tag};
//! use snugfit_tree::TreeIndex;
//!
//! // Three free blocks in a row, of 64, 80 and 64 bytes; headers are at 8 mod 16.
//! let mut memory = [0u128; 14];
//! let start = std::ptr::NonNull::from(&mut memory).cast::<u8>();
//! let mut index = TreeIndex::EMPTY;
//! let mut block_at = |offset, size| {
//!     // Sound: the block lies within `memory`, which outlives it and is used for nothing else.
//!     let block = unsafe { Block::from_header(start.byte_add(offset)) };
//!     block.set_tag(Tag::free(size));
//!     block.set_seal(Seal::FREE);
//!     // Sound: the block is free, its tag is true, and nobody else writes to it.
//!     unsafe { index.insert(block, size) };
//!     block
//! };
//! let (first, second, third) = (block_at(8, 64), block_at(72, 80), block_at(152, 64));
//!
//! assert_eq!(index.take(50), Some((third, 64)), "best fit; among equals the newest");
//! assert_eq!(index.find(64), Some(first));
//! assert_eq!(index.find(65), Some(second));
//! ```
#![no_std]

#[cfg(test)]
extern crate std;

mod index;
mod insert;
mod node;
mod remove;
mod rotate;
#[cfg(test)]
mod tests;
mod tree;
mod validate;

pub use index::{GuardedTree, TreeIndex};

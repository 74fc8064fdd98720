//! How an allocator finds a free block: the trait [`FreeIndex`], and what its implementations share.
//!
//! An allocator that coalesces at once asks little of its free blocks: put one in, take one out, find the smallest
//! that is large enough. What differs is how: a list walks, a tree descends, bins look into a bitmap. They are
//! exchangeable, and testable against each other, because the contract leaves no freedom: **exact best fit, and among
//! equals the block inserted last**. Two indices that were given the same calls give the same answers, so a heap
//! lays out the same addresses with any of them. A tie had to be broken one way; the most recent block is the one
//! most likely to be in the processor's cache.
//!
//! Iteration is internal ([`FreeIndex::for_each`]), because an implementation made of bins of trees of lists would
//! need a stack to be an iterator.
//!
//! The crate also holds
//!
//! - [`List`] and [`Ring`], the intrusive lists that more than one implementation is built from;
//! - [`Guard`], which is asked before a link is followed: what was freed may have been written to since;
//! - with the feature `conformance`, `conformance::check`: a model-based test of the whole contract. A new
//!   implementation is one crate, and one line that calls it.
#![no_std]

#[cfg(any(feature = "conformance", test))]
extern crate std;

#[cfg(feature = "conformance")]
pub mod conformance;
mod contract;
pub mod guard;
mod list;
mod ring;
#[cfg(test)]
mod test_blocks;
mod violation;

pub use contract::{FreeIndex, MAX_LINKS};
pub use guard::{Guard, Part, Plausible};
pub use list::List;
pub use ring::Ring;
pub use violation::{IndexViolation, Rule};

//! Thread caches, and a depot behind them.
//!
//! ```text
//!   thread        thread          each: a loaded magazine to a class, and full ones; no lock
//!     │ ▲           │ ▲
//!     ▼ │           ▼ │           whole magazines
//!   ┌───────────────────┐
//!   │       depot       │         full ones by class and empty ones; chains     ─┐
//!   └───────────────────┘                                                      │ under the owner's lock
//!     │ ▲                         blocks                                        │
//!     ▼ │                                                                      ─┘
//!   supplier (a heap)
//! ```
//!
//! - **Take a block**: from the loaded magazine; if it is empty, from another full one of the thread; else full ones come
//!   from the depot; else the supplier carves a batch.
//! - **Put a block**: into the loaded magazine; if it is full, that is set aside and an empty one loaded; if too many are
//!   full, half of them go to the depot. What the depot has no room for, the supplier takes back at once.
//! - **Capacity** starts small, doubles with each visit to the depot, within what the supplier allows a thread, and is
//!   given up by a class that nobody uses. The depot gives a class more room when it misses what it has turned away.
//! - **Larger blocks** than those of any class a thread keeps only for a short time, by their size, see [`Recent`].
//! - **A thread that ends** leaves everything to the depot.
//!
//! What a block is, is the supplier's and the caller's business: here it is a pointer that is never read through: chains are
//! linked by the supplier. So the hand-over between threads can be checked without any heap.
//!
//! The method is that of Bonwick and Adams, *Magazines and Vmem: Extending the Slab Allocator to Many CPUs and
//! Arbitrary Resources*, USENIX 2001.
#![no_std]

#[cfg(test)]
extern crate std;

mod bin;
mod chain;
mod class;
mod depot;
mod magazine;
mod recent;
mod reserve;
mod stack;
mod supplier;
mod thread;
mod whole;

pub use bin::Vacancy;
pub use class::{Class, LARGEST};
pub use recent::{FreeWay, LARGEST_RECENT, Recent};

/// Bytes of a magazine: what is asked of [`Supplier::allocate`].
pub const MAGAZINE: usize = magazine::Magazine::BYTES;

pub use depot::Depot;
pub use supplier::Supplier;
pub use thread::ThreadCache;

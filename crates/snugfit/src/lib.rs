//! A general-purpose memory allocator: dense, and no wrong pointer goes unnoticed.
//!
//! In a Rust program it takes one line:
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: snugfit::Snugfit = snugfit::Snugfit;
//! # fn main() {}
//! ```
//!
//! The same allocator can be called directly, in the terms of C's `malloc`, `free`, `realloc` and `calloc`:
//!
//! ```
//! use snugfit::{BadPointer, mem_alloc, mem_free, mem_resize, try_mem_free};
//!
//! unsafe {
//!     let block = mem_resize(mem_alloc(100), 1000);
//!     assert!(matches!(try_mem_free(block.add(1)), Err(BadPointer::Interior { offset: 1, .. })));
//!     mem_free(block);
//!     // `mem_free` would end the process here, with a line that says so.
//!     assert_eq!(try_mem_free(block), Err(BadPointer::DoubleFree));
//! }
//! ```
//!
//! # What is behind it
//!
//! There is one allocator in the process: a cache for each thread, and what they share behind a lock; of that, where there are
//! threads, there is one for each processor ([`set_arenas`]):
//!
//! ```text
//!   mem_alloc, GlobalAlloc, ... ──► cache ──► lock ──► depot ──► the heap ──► program break, or mappings of many pages
//!                                     ▲        │                    ▲
//!   mem_free(pointer) ──► seal ───────┴──────► lock ──► page map ───┤       exact best fit, coalesced at once
//!                                                                   ▼
//!                                                            large: a mapping of its own (`mmap`, `mremap`, `munmap`)
//! ```
//!
//! - **Slabs** hold blocks of up to 1 KiB, without headers: a bit beside them says which are free ([`snugfit_slab`]). To take one or put
//!   one back takes no lock; each slab is one thread's.
//! - **The cache** of a thread holds such blocks where they have headers ([`keep_headers`]), in magazines ([`snugfit_cache`]). To take one or put one back
//!   takes no lock. When the thread ends, they go to the others.
//! - **The heap** is [`snugfit_heap::Heap`] with the free index that the features name: `tree` if it is enabled, else
//!   `list`, else `bins`, which is the default. (Features of a crate add up over a program, so an order must decide.)
//! - **Large blocks** are mappings of their own, from 128 KiB on. When one is freed, the threshold rises to its size (up
//!   to 32 MiB): blocks that come and go are better served by the heap, without system calls.
//! - **The page map** says of every address whether it is ours, so a wrong pointer is never read. Then the header before
//!   it must carry the right seal.
//! - **`fork`** works in programs with threads: the lock is held around it.
//!
//! Nothing in here allocates, panics or unwinds, and nothing needs the standard library.
#![no_std]

#[cfg(test)]
extern crate std;

mod api;
mod arena;
mod arenas;
mod backtrace;
mod behind;
mod caches;
mod chained;
mod count;
mod direct;
mod directs;
mod finding;
mod freeing;
mod front;
mod global;
mod guard;
mod guarded;
mod hardened;
mod hardening;
mod idle;
mod line;
mod local;
mod lock;
mod marked;
mod mode;
mod options;
mod own;
mod owners;
mod page_map;
mod pool;
mod process;
mod range;
mod recent;
mod region;
mod report;
mod sampled;
mod slabs;
mod slow;
mod state;
mod stats;
mod strays;
mod sweep;
mod thread;
mod threshold;
mod zone;

pub use api::{
    mem_alloc, mem_alloc_aligned, mem_alloc_clear, mem_free, mem_resize, try_mem_free, try_mem_free_sized,
    try_mem_resize, try_usable_size, usable_size,
};
pub use arenas::set_arenas;
pub use backtrace::backtrace_at_end;
pub use finding::{Damage, Finding, FoundBlock, Hook, Overwritten, WrongPointer, set_hook};
pub use freeing::mem_free_as;
pub use global::Snugfit;
pub use hardening::{Hardening, TooLate, harden};
pub use line::Line;
pub use options::{Options, OptionsError, set_options};
pub use owners::keep_headers;
pub use report::{abort_with, abort_with_violation};
pub use snugfit_heap::{BadPointer, ResizeError, Violation as HeapViolation};
pub use snugfit_tag::State as BlockState;
pub use stats::{Counts, Stats, count_calls, stats, trim};
pub use sweep::{Violation, check, check_each, check_every, validate};

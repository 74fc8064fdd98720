//! Snugfit for C programs: its own calls, beside the program's `malloc`.
//!
//! `include/snugfit.h` is made of the documentation in here; a test compares the two. `./install` builds the libraries
//! and puts them in place, with a pkg-config file. `docs/c.md` says how to use them.
// What is shipped is built with `panic = "abort"`, and has nothing of the standard library in it. Where panics unwind, in
// tests, a crate without it would have to say how.
#![cfg_attr(panic = "abort", no_std)]

mod bad_pointer;
mod calls;
mod check;
mod options;
mod panic;
mod stats;
mod tries;
mod version;

pub use bad_pointer::{BadPointer, Error, mem_error_text};
pub use calls::{
    mem_alloc, mem_alloc_aligned, mem_alloc_clear, mem_free, mem_free_sized, mem_resize, mem_usable_size,
};
pub use check::{Finding, mem_check, mem_check_every, mem_validate};
pub use options::mem_options;
pub use stats::{Stats, mem_count_calls, mem_stats, mem_trim};
pub use tries::{mem_try_free, mem_try_free_sized, mem_try_resize, mem_try_usable_size};
pub use version::mem_version;

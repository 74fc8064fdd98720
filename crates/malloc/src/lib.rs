//! Snugfit as the `malloc` of a program: the whole family under its own names, to preload or to link.
//!
//! ```sh
//! LD_PRELOAD=$PWD/target/release/libsnugfit_malloc.so python3 -c 'print(sum(range(10**6)))'
//! ```
//!
//! Each exported function is a thin wrapper around the crate `snugfit`, in C's terms: null, `errno`, and a line on
//! standard error under the function's own name for a pointer that is wrong. What else is here: what happens when the
//! library is loaded and when the process ends. `docs/preload.md` says how to use it, and which traps there are for a
//! library of this kind.
//!
//! Exports are in this crate alone, which nothing depends on: a library of Rust that defines `malloc` would give it to
//! every program that it is linked into.
// What is shipped is built with `panic = "abort"`, and has nothing of the standard library in it. Where panics unwind, in
// tests, a crate without it would have to say how.
#![cfg_attr(panic = "abort", no_std)]

mod aligned;
mod basic;
mod environment;
mod json;
mod operators;
mod options;
mod panic;
mod process;
mod sized;
mod start;
mod stats;

pub use aligned::{aligned_alloc, memalign, posix_memalign, pvalloc, valloc};
#[rustfmt::skip]
pub use operators::{
    _ZdaPv, _ZdaPvRKSt9nothrow_t, _ZdaPvSt11align_val_t, _ZdaPvSt11align_val_tRKSt9nothrow_t, _ZdaPvm, _ZdaPvmSt11align_val_t,
    _ZdlPv, _ZdlPvRKSt9nothrow_t, _ZdlPvSt11align_val_t, _ZdlPvSt11align_val_tRKSt9nothrow_t, _ZdlPvm, _ZdlPvmSt11align_val_t,
};
pub use basic::{calloc, free, malloc, realloc};
pub use sized::{free_aligned_sized, free_sized, malloc_trim, malloc_usable_size, reallocarray};

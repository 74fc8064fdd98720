//! What the heap and the allocator of a process are made of, each layer alone. (The free indices have benchmarks of their
//! own: `index` and `index_scaling`.)
//!
//! - `tag/OPERATION/FORMAT`: headers and seals, of a row of blocks that fits into the first-level cache.
//! - `source/grow/SOURCE/SIZE`: a source grows and is shrunk again; with `touched`, each page is written between.
//! - `cache/OPERATION/SIZE`: a thread cache that is hit, and that is refilled from and flushed to a depot and a supplier which
//!   do next to nothing.

mod cache;
mod source;
mod supplier;
mod tag;

use criterion::criterion_main;

criterion_main!(tag::benches, source::benches, cache::benches);

//! What the benchmarks of Snugfit are made of. The benchmarks themselves are in `benches/`:
//!
//! | benchmark | what is measured |
//! |---|---|
//! | `index` | the three free indices alone, with 10 to 1,000,000 free blocks |
//! | `index_scaling` | the same rounds at 1,000 and at 1,000,000 blocks, interleaved, as a table of ratios; beside them an oracle, the floor under every index |
//! | `heap` | recorded programs, replayed into a heap with each index and each block format |
//! | `layers` | what the heap is made of, alone: seals and headers, sources that grow, caches that are hit, refilled and flushed |
//! | `calls` | single calls, by size and by alignment: a pair, a batch, zeroed memory; the heap and the allocator of a process beside others |
//! | `resize` | an array that grows: in place, and out of the way of another block; the first beside other allocators |
//! | `peers` | recorded programs, replayed into the heap and into other allocators in pure Rust: time and footprint |
//!
//! ```text
//! cargo bench -p snugfit-benches                            all of them
//! cargo bench -p snugfit-benches --bench index -- tree      one of them, only what has `tree` in its name
//! cargo bench -p snugfit-benches -- --test                  each once, to see that it runs
//! ```
//!
//! `index_scaling` and `peers` fail if a bar that the project has set itself is missed; with `--test` they judge nothing.
//!
//! Read ratios within one run rather than nanoseconds: these depend on the machine and on what else it does.

mod contenders;
mod growth;
mod heaps;
mod huge;
mod mem_calls;
mod oracle;
mod population;
mod random;
mod requests;
mod settings;
pub mod targets;

pub use contenders::{Contenders, Work};
pub use growth::{Growth, array_at_the_end, array_in_the_way};
pub use heaps::with_heap;
pub use mem_calls::MemCalls;
pub use oracle::Oracle;
pub use population::Population;
pub use random::Random;
pub use requests::{Pace, Requests};
pub use settings::{brief, short};

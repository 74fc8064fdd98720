//! Single calls, by size: the heap alone and the allocator of a process, beside the system's and others in pure Rust. The
//! contenders are described at `snugfit_benches::Contenders`.
//!
//! - `pair/CONTENDER/SIZE`: a block is allocated and freed at once. The path is as short as it gets.
//! - `batch/ORDER/CONTENDER/SIZE`: many blocks are allocated, then all are freed: the last one first, the first one first, or
//!   in random order.
//! - `aligned/CONTENDER/ALIGN`: a batch of aligned blocks, the first one freed first.
//! - `zeroed/reused/CONTENDER/SIZE`: a pair of zeroed memory that was used before, so somebody must clear it.
//! - `zeroed/mapped/CONTENDER/SIZE`: the same, so large that whoever takes it from the system each time need not clear it.
//! - `zeroed/heap`: what it is worth to the heap that it knows which memory nobody has used.
//!
//! One byte of each block is written, as a program would at least. The heap and Snugfit check every block that they are
//! given back; of the others only the system's does, and less.
//!
//! ```text
//! cargo bench -p snugfit-benches --bench calls -- 'pair/.*/(24|248|1016)$'
//! cargo bench -p snugfit-benches --bench calls -- 'batch/random/(snugfit|system)/'
//! ```

mod aligned;
mod rounds;
mod sizes;
mod zeroed;

use criterion::criterion_main;

criterion_main!(sizes::benches, aligned::benches, zeroed::benches);

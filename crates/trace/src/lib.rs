//! Recorded allocation traces: read them, replay them into any allocator, and see what that costs.
//!
//! A trace is what one real program asked of `malloc`, in order. Replaying it asks the same of another allocator,
//! without the program around it:
//!
//! ```
//! use snugfit_trace::{Replay, SystemMalloc, Trace};
//!
//! let text = "0\n2\n5\n1\na 0 100\nc 1 4 25\nr 0 200\nf 1\nf 0\n";
//! let trace = Trace::from_bytes("example.rep", text.as_bytes())?;
//! let mut replay = Replay::new(&trace);
//! let checked = replay.check(&mut SystemMalloc, |_, _| ())?;
//! assert_eq!(checked.peak_live_bytes, 300);
//! let elapsed = replay.time(&mut SystemMalloc)?;
//! println!("{:.1} ns per operation", elapsed.as_nanos() as f64 / trace.ops().len() as f64);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In the order of that example:
//!
//! - [`Trace`] holds the [`Op`]s of a `.rep` file, plain or gzip, and writes them again. Whoever holds one need not
//!   check it: every id is in range, nothing is freed twice, no size overflows. A damaged file is a [`TraceError`]
//!   that says file, line and reason.
//! - [`bundled()`] is six traces of real programs, compiled in.
//! - [`Target`] is what a trace is replayed into: a [`Heap`](snugfit_heap::Heap), the [`SystemMalloc`], or through
//!   [`Global`] whatever implements [`GlobalAlloc`](std::alloc::GlobalAlloc).
//! - [`Replay`] does it: [`time`](Replay::time) does nothing but the calls, [`check`](Replay::check) writes and
//!   verifies every byte.
//! - [`Measure`] adds, for a heap, the footprint and what it consists of; [`ResidentWatch`] finds the footprint of any
//!   other allocator, in a process of its own, after a [`warm_up`].
//! - [`median`] and [`geometric_mean`] sum up passes and traces.

mod bundled;
mod check;
mod damage;
mod failure;
mod lines;
mod measure;
mod op;
mod parse;
mod pattern;
mod read;
mod replay;
mod resident;
mod step;
mod summary;
mod target;
mod trace;
mod warm_up;
mod write;

pub use bundled::{Bundled, bundled};
pub use check::{Checked, Progress};
pub use damage::{Damage, TraceError};
pub use failure::{Failure, ReplayError};
pub use measure::{Breakdown, Measure};
pub use op::Op;
pub use replay::Replay;
pub use resident::ResidentWatch;
pub use summary::{geometric_mean, median};
pub use target::{Global, SystemMalloc, Target};
pub use trace::Trace;
pub use warm_up::warm_up;

/// The examples of the project's README are compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

//! Where an allocator's memory comes from.
//!
//! A *source* ([`Source`]) is what a heap grows from: it hands out runs of bytes ([`Extent`]), each right behind the
//! last where it can, and may take back their end, the whole of them, or just their contents. What a source refuses
//! leaves everything as it was. Two methods are required; a source that never takes anything back is a source.
//!
//! | source | memory | zeroed | shrinks | releases | purges |
//! |---|---|---|---|---|---|
//! | [`Sbrk`] | the program break | yes | the end | the end | yes |
//! | [`Mapped`] | `mmap`: reserved in large pieces, committed as needed | yes | yes | yes | yes |
//! | [`Fixed`] | a buffer | no | the end | the end | no |
//! | [`Empty`] | none: refuses everything | yes | no | no | no |
//! | [`Fallback`] | a first source, and a second when the first refuses | if both | if either | if either | if either |
//!
//! The decorators wrap any source, have its abilities and add one concern each: [`Limited`] holds at most so many
//! bytes, [`Counted`] counts what is asked and what is held, [`Failing`] refuses by a script, for tests.
//!
//! ```
//! use snugfit_source::{Counted, Limited, Mapped, Source};
//!
//! let mut source = Counted::new(Limited::new(Mapped::new(), 1 << 20));
//! let extent = source.grow(100).expect("a page is to be had");
//! assert_eq!(extent.len, source.granularity());
//! assert!(source.grow(1 << 20).is_none(), "that would be over the limit");
//!
//! // SAFETY: nobody uses the extent any more.
//! assert!(unsafe { source.release(extent) });
//! let counts = source.counts();
//! assert_eq!((counts.grows, counts.refusals, counts.releases), (1, 1, 1));
//! assert_eq!((counts.held, counts.peak), (0, extent.len));
//! ```
//!
//! # The trap in `sbrk`
//!
//! The program break is one number for the whole process, and the C library's `sbrk` moves it without a lock: two
//! threads that call it at once can be given the same bytes. A malloc beside this one, such as glibc's, calls it
//! whenever it likes. So there are two doors. [`Sbrk::exclusive`] is `unsafe`: the caller promises that nobody else
//! moves the break at the same time, as is true where this library *is* the process's malloc. [`Sbrk::shared`] is
//! safe: it moves the break only while the process has a single thread, and refuses afterwards. Composed as
//! `Fallback::new(Sbrk::shared(), Mapped::new())`, growth goes to [`Mapped`] from then on. Foreign moves of the break
//! in between are expected: they leave a gap, so the next extent starts higher.
//!
//! The calls to the operating system are in [`os`], for allocators that map large blocks directly.
#![no_std]

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("snugfit-source speaks to 64-bit Linux: its `os` module has no other implementation");

#[cfg(test)]
extern crate std;

mod contract;
mod decorators;
mod empty;
mod fallback;
mod fixed;
mod mapped;
pub mod os;
mod round;
mod sbrk;

pub use contract::{Bounded, Extent, Source};
pub use decorators::{Counted, Counts, Failing, Limited};
pub use empty::Empty;
pub use fallback::Fallback;
pub use fixed::Fixed;
pub use mapped::Mapped;
pub use sbrk::Sbrk;

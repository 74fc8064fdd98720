//! Runs: pages of small blocks of one size, without headers.
//!
//! ```text
//!   run     | block | block | block | block | ... | block | rest |     a page, 4 KiB
//!               │       │       │       │             │
//!   marks     ┌─▼─┐   ┌─▼─┐   ┌─▼─┐   ┌─▼─┐         ┌─▼─┐
//!             │   │   │   │   │   │   │   │   ...   │   │            a byte for each 32 bytes of the page
//!             └───┘   └───┘   └───┘   └───┘         └───┘
//! ```
//!
//! A header of eight bytes is an eighth of what small blocks take, and who frees a block must read it: memory that the program
//! has often not looked at for a while. A [`Mark`] says what a header says that one needs to know: that a block starts there,
//! of which class it is, and whether it is in use. The marks of 4 KiB lie in two lines of the processor's cache, away from the
//! blocks: what a program writes over the end of a block does not reach them, and what is no block has no mark, so each wrong
//! pointer is told from a right one for certain.
//!
//! - [`Marks`] finds the mark of an address. It is for all threads, and takes no lock: a mark belongs to who owns the block.
//! - [`Runs`] gives out blocks and takes them back. It is for one thread at a time. Where the pages come from, and where they go
//!   when all their blocks are free, is the caller's business.
//!
//! Pages of 4 KiB are small beside what other allocators have for this (64 KiB in mimalloc, 8 KiB and more in tcmalloc), so
//! little is lost in pages that are not full.
#![no_std]

#[cfg(test)]
extern crate std;

mod check;
mod mark;
mod marks;
mod regions;
mod run;
mod runs;
mod violation;

pub use mark::{Cell, Mark};
pub use marks::{Marks, REGION, tiny_cell};
pub use run::{CLASSES, LARGEST, PAGE, TINY, class_of, size_of_class};
pub use runs::{OWNERS, Runs};
pub use violation::Violation;

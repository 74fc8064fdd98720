//! Slabs: pages of small blocks of one size, without headers, each of one thread.
//!
//! ```text
//!   space   | slab 1: 8 KiB               | slab 2                      | ...
//!             │ block │ block │ ... │ rest │
//!             ▲       ▲
//!             └─┐ ┌───┘                   a bit for each block
//!   slabs   | 1 1 0 1 ..., owner, class | of slab 2                   | ...            64 bytes each
//!   returns | the same bits             | of slab 2                   | ...            what other threads free
//! ```
//!
//! A header of eight bytes is an eighth of what small blocks take, and who frees a block must read it: memory that the program has often
//! not looked at for a while. Here neither who allocates nor who frees touches a block. What is known of it lies beside: its slab
//! says which class of blocks it has, and whose it is; a bit says whether the block is free. So each wrong pointer is told from a right one
//! for certain, and what a program writes over the end of a block reaches no bit.
//!
//! - **Take a block**: the lowest bit of a word of the thread's current slab of that class. Fourteen instructions, and no link to
//!   follow.
//! - **Give a block back**: its address names its slab, and, by a multiplication, its bit. If the slab is the thread's own, that is all.
//! - **Give back another thread's block**: into the slab's returns, by one atomic operation or two; who is the first puts the slab into its
//!   owner's mail. The owner takes what there is when he next frees a block of that slab, has used it up, or opens the mail.
//! - **A thread that ends** leaves its [`Owner`], with all slabs, to one that begins, or to those that run out of blocks.
//!
//! [`Space`] is where all slabs are, for all threads; [`Stock`] hands out slabs, one thread at a time; an [`Owner`] is a thread's.
//! The lock around the stock, and which owner is whose, are the caller's business.
//!
//! Slabs are Bonwick's (*The Slab Allocator: An Object-Caching Kernel Memory Allocator*, USENIX 1994), with a bitmap outside, as in jemalloc
//! (Evans, *A Scalable Concurrent malloc(3) Implementation for FreeBSD*, BSDCan 2006). That each slab has an owner, and what others
//! free goes a way of its own, is from mimalloc (Leijen, Zorn and de Moura, *Mimalloc: Free List Sharding in Action*, APLAS 2019).
//! Slabs of 8 KiB are small beside theirs: little is lost in those that are not full.
#![no_std]

#[cfg(test)]
extern crate std;

mod atomic;
mod check;
mod class;
mod mail;
mod owned;
mod owner;
mod shelf;
mod slab;
mod space;
mod stock;

pub use check::{Totals, Violation};
pub use class::{Class, LARGEST};
pub use owner::{Owner, Supply};
pub use slab::{BLOCKS, SLAB};
pub use space::{Found, MOST, Number, Place, Space, Wrong};
pub use stock::Stock;

//! Boundary-tag memory blocks: the word format, and nothing else.
//!
//! A heap is a run of bytes tiled by *blocks*. Each block says its size at its start, and a free block says it again
//! at its end, so both neighbours of any block are found in constant time (Knuth, *The Art of Computer Programming*
//! 1, section 2.5, algorithm C: "boundary tags"). This crate holds that format and its arithmetic. It decides no
//! policy: which free block to take, when to split and where the memory comes from is the business of the allocator
//! that uses it. `examples/first_fit.rs` is a complete one in under 150 lines.
//!
//! ```text
//!            header, 8 bytes              payload                             next header
//!          ┌───────────┬───────────┬────────────────────────────────────────┬──────────────
//!  in use  │ tag    1-0│ seal      │ bytes of the caller                    │ tag  -1-
//!          └───────────┴───────────┴────────────────────────────────────────┴──────────────
//!          ┌───────────┬───────────┬───────────────┬────────────┬───────────┬──────────────
//!  free    │ tag    010│ Seal::FREE│ links         │  (unused)  │ footer    │ tag  -0-
//!          └───────────┴───────────┴───────────────┴────────────┴───────────┴──────────────
//!          ▲ 8 mod 16              ▲ 16-byte aligned             = size      ▲ 8 mod 16
//!
//!  tag     low 32 bits: size in bytes, a multiple of 16 (so 28 bits of granules) | 4 flag bits
//!          flags, low bit first: in use, previous in use, last (an epilogue), reserved; `-` is either
//!  seal    high 32 bits: keyed check of (address, size, state), see `Key`
//! ```
//!
//! Exceptions and consequences, in the order in which people trip over them:
//!
//! - Only a *free* block has a footer (format [`Compact`]); in use those eight bytes are payload. [`Mirrored`]
//!   keeps a footer on every block, where it is a canary while the block is in use.
//! - Because of that, a block can find its previous neighbour only when that neighbour is free; the *previous in use*
//!   flag in its own tag says so.
//! - Neighbours of a free block are always in use, if the allocator coalesces at once.
//! - The last header of a run is an *epilogue*: size 0, in use, flag *last*. So no block needs a test for the end.
//! - A block joined to the one before it leaves its header behind, inside. Its seal has to become [`Seal::FREE`]
//!   first: left live, it would let the same pointer be freed again.
//! - The two halves of a header have two owners. The **tag** belongs to whoever holds the heap: a block's *previous
//!   in use* flag changes while the block itself is in use elsewhere. The **seal** belongs to whoever owns the block.
//!   They are separate `AtomicU32`s, loaded and stored relaxed, and nothing ever reads, changes and writes both;
//!   only who holds the heap *and* owns the block may store both at once ([`Block::set_header`]).
//!
//! ```
//! use snugfit_tag::{Compact, Format, MIN_BLOCK};
//!
//! // An 8-byte header, sizes in steps of 16, at least 32:
//! assert_eq!(Compact::block_size(1), Some(MIN_BLOCK));
//! assert_eq!(Compact::block_size(24), Some(32));
//! assert_eq!(Compact::block_size(25), Some(48));
//! assert_eq!(Compact::usable_size(48), 40);
//! ```
#![no_std]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("snugfit-tag lays its headers out for 64-bit addresses: build it for a 64-bit target");

/// Whether headers are sealed, and pointers checked. With `RUSTFLAGS='--cfg unchecked="pointers"'` they are not: a build to
/// measure what the checks cost, and for nothing else.
#[doc(hidden)]
pub const CHECKED: bool = !cfg!(unchecked = "pointers");
/// Whether links, headers and footers of free blocks are checked: not with `--cfg unchecked="links"`.
#[doc(hidden)]
pub const LINKS_CHECKED: bool = !cfg!(unchecked = "links");

mod block;
mod canary;
mod footer;
mod format;
mod prefetch;
mod seal;
mod size;
mod tag;

pub use block::Block;
pub use canary::Canary;
pub use footer::Footer;
pub use format::{Compact, Format, Mirrored};
pub use prefetch::prefetch;
pub use seal::{Key, Seal, State};
pub use size::{FOOTER, GRANULE, HEADER, MAX_BLOCK, MIN_BLOCK};
pub use tag::Tag;

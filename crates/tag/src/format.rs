//! The two formats: with and without a footer on blocks in use.

use core::fmt;

use crate::size::{FOOTER, HEADER, MAX_BLOCK, MIN_BLOCK};
use crate::{Block, GRANULE, Key, State, Tag};

/// What a block in use looks like. A free block is the same in every format, so one allocator serves them all.
///
/// Sealed: the two formats of this crate are all there are.
pub trait Format: sealed::Sealed + Copy + Default + fmt::Debug + Send + Sync + 'static {
    /// Bytes at the end of a block in use that the caller may not touch.
    const FOOTER_IN_USE: usize;

    /// Bytes of a block in use that are not payload.
    const OVERHEAD: usize = HEADER + Self::FOOTER_IN_USE;

    /// The size of the smallest block whose payload holds `payload` bytes; `None` if no block does.
    #[inline]
    #[must_use]
    fn block_size(payload: usize) -> Option<usize> {
        // With `MAX_BLOCK` checked first nothing below can overflow.
        if payload > MAX_BLOCK - Self::OVERHEAD {
            return None;
        }
        let size = (payload + Self::OVERHEAD + (GRANULE - 1)) & !(GRANULE - 1);
        Some(if size < MIN_BLOCK { MIN_BLOCK } else { size })
    }

    /// The payload bytes of a block of `block_size` bytes.
    #[inline]
    #[must_use]
    fn usable_size(block_size: usize) -> usize {
        block_size - Self::OVERHEAD
    }

    /// Whether a request for `payload` bytes would have got a block of `block_size` bytes: one that is large enough, and
    /// from which no block of its own could have been cut off.
    #[inline]
    #[must_use]
    fn serves(block_size: usize, payload: usize) -> bool {
        Self::block_size(payload).is_some_and(|needed| block_size.wrapping_sub(needed) < MIN_BLOCK)
    }

    /// Makes the bytes that `tag` speaks of a live block: writes its header and whatever ends it.
    ///
    /// # Safety
    /// - The caller owns all of these bytes, and `tag` is that of a block in use.
    unsafe fn seal(block: Block, tag: Tag, key: Key);

    /// Whether a block in use still ends as [`seal`](Self::seal) left it. In [`Compact`] there is nothing to check.
    ///
    /// # Safety
    /// - `block` was sealed with that size and `key`, or its `size` bytes are at least readable.
    unsafe fn is_footer_intact(block: Block, size: usize, key: Key) -> bool;

    /// The bytes that the caller of a block in use may touch: all that there are, or those that were asked for, where the
    /// format knows.
    ///
    /// # Safety
    /// - As for [`is_footer_intact`](Self::is_footer_intact).
    #[inline]
    unsafe fn payload_len(block: Block, size: usize, key: Key) -> usize {
        let _ = (block, key);
        Self::usable_size(size)
    }
}

/// No footer while in use: eight bytes a block. The default, and the denser one: on recorded programs
/// [`Mirrored`] takes up to 12 % more memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compact;

/// A footer on every block, as in the textbook. In use it states the length of the payload under a keyed check of it, and
/// so does every byte between the two: an overflow by a single byte is noticed ([`Canary`](crate::Canary)).
///
/// ```text
///  | header | payload: len bytes | canary, up to 15 bytes and what no block could be made of | half a canary | len |
///                                                                                             footer: 4 bytes  4
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Mirrored;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Compact {}
    impl Sealed for super::Mirrored {}
}

impl Format for Compact {
    const FOOTER_IN_USE: usize = 0;

    #[inline]
    unsafe fn seal(block: Block, tag: Tag, key: Key) {
        let live = key.seal(block.address(), tag.size(), State::Live);
        // SAFETY: the caller owns the whole block.
        unsafe { block.set_header(tag, live) };
    }

    #[inline]
    unsafe fn is_footer_intact(_block: Block, _size: usize, _key: Key) -> bool {
        true
    }
}

impl Format for Mirrored {
    const FOOTER_IN_USE: usize = FOOTER;

    #[inline]
    unsafe fn seal(block: Block, tag: Tag, key: Key) {
        let live = key.seal(block.address(), tag.size(), State::Live);
        // SAFETY: the caller owns the whole block.
        unsafe {
            block.set_header(tag, live);
            // Whoever knows how many bytes were asked for says so afterwards.
            Self::set_len(block, tag.size(), Self::usable_size(tag.size()), key);
        }
    }

    #[inline]
    unsafe fn is_footer_intact(block: Block, size: usize, key: Key) -> bool {
        // SAFETY: the caller vouches for `size` readable bytes.
        unsafe { Self::len(block, size, key) }.is_some()
    }

    #[inline]
    unsafe fn payload_len(block: Block, size: usize, key: Key) -> usize {
        // SAFETY: the caller vouches for `size` readable bytes.
        unsafe { Self::len(block, size, key) }.unwrap_or(Self::usable_size(size))
    }
}

const _: () = {
    assert!(MIN_BLOCK > Mirrored::OVERHEAD, "the smallest block has payload in every format");
};

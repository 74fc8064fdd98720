//! The trait.

use snugfit_tag::{Block, MIN_BLOCK};

use crate::IndexViolation;
use crate::guard::{Guard, Part, Plausible};

/// The most words of a free block's payload that an index may use for its links.
pub const MAX_LINKS: usize = 6;

/// The free blocks of a heap, found by size.
///
/// Five items are required. The rest has working defaults; override `take`, `take_split` and `replace` for speed, and
/// `validate` to check what only the implementation knows.
///
/// The index keeps its links in the payloads of the blocks it holds. Blocks of 32 bytes have room for two words
/// between header and footer; an implementation whose nodes are larger keeps the smallest sizes in exact lists. It
/// stores nothing that points into itself, so that a heap, index included, may be moved.
///
/// # Contract
/// - [`find`](Self::find) is an exact best fit: the smallest block of at least the size asked for; among blocks of
///   equal size, the one inserted last.
/// - [`replace`](Self::replace) counts as a removal and an insertion, however cheaply it is done.
/// - The order of [`for_each`](Self::for_each) is free.
///
/// Programs write to memory that they have freed, so the links may have been overwritten all the same. An implementation
/// built with a [`Guard`] follows none without asking it, and ends in [`broken`](Self::broken). It does not check the header
/// of a block that it returns: the caller is about to touch that, and checks it.
///
/// # Safety
/// An implementer promises that
/// - it returns only blocks that were inserted and not removed since;
/// - it writes only to link words of blocks that it holds, or is being given: the first [`MAX_LINKS`] words of the
///   payload, and of those no more than lie before the footer;
/// - the tag of a block that it holds is read, never written; the tag of a block that is passed in is not read;
/// - it keeps the contract above, and neither allocates nor panics while its callers keep their promises.
pub unsafe trait FreeIndex: Sized {
    /// An index that holds nothing.
    const EMPTY: Self;

    /// Puts `block` of `size` bytes in.
    ///
    /// # Safety
    /// - `block` is free and owned by the heap, `size` bytes long (a multiple of 16, at least 32), and not in the
    ///   index.
    /// - Before the index is used again, its tag states `size` and its seal is [`Seal::FREE`](snugfit_tag::Seal::FREE). From
    ///   then until it is removed, nobody else writes to its link words.
    unsafe fn insert(&mut self, block: Block, size: usize);

    /// Takes `block` of `size` bytes out.
    ///
    /// # Safety
    /// - `block` was inserted with `size` and not removed since.
    unsafe fn remove(&mut self, block: Block, size: usize);

    /// The smallest block of at least `size` bytes (any number), the one inserted last among equals; it stays in the
    /// index.
    #[must_use]
    fn find(&self, size: usize) -> Option<Block>;

    /// Shows every block once.
    fn for_each(&self, visit: &mut dyn FnMut(Block));

    /// Finds a block and takes it out. Returns it with its size.
    #[must_use]
    #[inline]
    fn take(&mut self, size: usize) -> Option<(Block, usize)> {
        let block = self.find(size)?;
        let found = block.size();
        // SAFETY: `find` returns blocks that are in the index, under the size that their tag states.
        unsafe { self.remove(block, found) };
        Some((block, found))
    }

    /// Takes `size` bytes from the front of the best fit. What is left of it goes back in, if it can be a block: at
    /// least [`MIN_BLOCK`] bytes. Returns the block and its size before the split.
    ///
    /// # Safety
    /// - `size` is a multiple of 16, at least 32.
    /// - Before the index is used again, the caller writes tag and seal of what went back in.
    #[must_use]
    #[inline]
    unsafe fn take_split(&mut self, size: usize) -> Option<(Block, usize)> {
        let (block, found) = self.take(size)?;
        if found - size >= MIN_BLOCK {
            // SAFETY: the rest lies in the block that was just taken, so it is free, ours, and in no index; its size
            // is that of a block, since the caller's is. The caller writes its tag in time.
            unsafe { self.insert(block.offset(size), found - size) };
        }
        Some((block, found))
    }

    /// Finds a block of the best size and takes it out, not necessarily the newest: up to `steps` older, where that is cheap to
    /// find. For who wants to be hard to predict; by default it is [`take`](Self::take).
    #[must_use]
    #[inline]
    fn take_older(&mut self, size: usize, steps: usize) -> Option<(Block, usize)> {
        let _ = steps;
        self.take(size)
    }

    /// Replaces the entry `from` of `old` bytes by `to` of `new` bytes, as `remove` and `insert` would: a free block
    /// that has grown, or shrunk, at either end. The two may overlap.
    ///
    /// # Safety
    /// - `from` was inserted with `old` and not removed since.
    /// - What [`insert`](Self::insert) asks of a block holds for `to` and `new`.
    #[inline]
    unsafe fn replace(&mut self, from: Block, old: usize, to: Block, new: usize) {
        // SAFETY: the caller vouches for both halves.
        unsafe {
            self.remove(from, old);
            self.insert(to, new);
        }
    }

    /// Visits all blocks of at least `smallest` bytes, in any order. O(n) by default.
    fn for_each_from(&self, smallest: usize, visit: &mut dyn FnMut(Block)) {
        self.for_each(&mut |block| {
            if block.size() >= smallest {
                visit(block);
            }
        });
    }

    /// The number of blocks. O(n) by default.
    #[must_use]
    fn len(&self) -> usize {
        let mut count = 0;
        self.for_each(&mut |_| count += 1);
        count
    }

    /// Whether there are none.
    #[must_use]
    fn is_empty(&self) -> bool {
        self.find(0).is_none()
    }

    /// The bytes of all blocks together, headers included. O(n) by default.
    #[must_use]
    fn bytes(&self) -> usize {
        let mut bytes = 0;
        self.for_each(&mut |block| bytes += block.size());
        bytes
    }

    /// Ends: something was written to the free block whose header is at the address `block`. For the index, and for its caller, who sees other parts of it.
    #[cold]
    fn broken(block: usize, part: Part) -> ! {
        Plausible::broken(block, part)
    }

    /// Checks the index's own order: links, balance, bitmap. What the heap knows of the blocks is the heap's to
    /// check. O(n).
    ///
    /// # Errors
    /// The first broken rule that was met.
    fn validate(&self) -> Result<(), IndexViolation> {
        Ok(())
    }
}

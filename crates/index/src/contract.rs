//! The trait.

use snugfit_tag::Block;

use crate::IndexViolation;

/// The free blocks of a heap, found by size.
///
/// Four items are required. The rest has working defaults; override `take` and `resize` for speed, and `validate`
/// to check what only the implementation knows.
///
/// The index keeps its links in the payloads of the blocks it holds. Blocks of 32 bytes have room for two words
/// between header and footer; an implementation whose nodes are larger keeps the smallest sizes in exact lists. It
/// stores nothing that points into itself, so that a heap, index included, may be moved.
///
/// # Contract
/// - [`find`](Self::find) is an exact best fit: the smallest block of at least the size asked for; among blocks of
///   equal size, the one inserted last.
/// - [`resize`](Self::resize) of an entry counts as a removal and an insertion, however cheaply it is done.
/// - The order of [`for_each`](Self::for_each) is free.
///
/// # Safety
/// An implementer promises that
/// - it returns only blocks that were inserted and not removed since;
/// - it writes only to link words of blocks that it holds, or is being given;
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
    /// - From now until it is removed, nobody writes to its payload, and its tag states `size`.
    unsafe fn insert(&mut self, block: Block, size: usize);

    /// Takes `block` of `size` bytes out.
    ///
    /// # Safety
    /// - `block` was inserted with `size` and not removed since.
    unsafe fn remove(&mut self, block: Block, size: usize);

    /// The smallest block of at least `size` bytes, the one inserted last among equals; it stays in the index.
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

    /// Changes the size of an entry that stays where it is, as `remove` and `insert` would.
    ///
    /// # Safety
    /// - `block` was inserted with `old` and not removed since.
    /// - What [`insert`](Self::insert) asks of `block` holds for `new`.
    #[inline]
    unsafe fn resize(&mut self, block: Block, old: usize, new: usize) {
        // SAFETY: the caller vouches for both halves.
        unsafe {
            self.remove(block, old);
            self.insert(block, new);
        }
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

    /// Checks the index's own order: links, balance, bitmap. What the heap knows of the blocks is the heap's to
    /// check. O(n).
    ///
    /// # Errors
    /// The first broken rule that was met.
    fn validate(&self) -> Result<(), IndexViolation> {
        Ok(())
    }
}

//! Where the blocks of the caches come from.

use core::ops::Range;
use core::ptr::NonNull;

use crate::Class;

/// What lies behind the depot, and under the same lock: a heap, or a model of one.
///
/// # Safety
/// - No block is given out twice before it is taken back; no two overlap, nor a block and memory from
///   [`allocate`](Self::allocate).
/// - None of these calls comes back to the cache or the depot.
pub unsafe trait Supplier {
    /// Gives up to `count` blocks of `class` to `put`; returns how many. `may_touch` says whether it may be memory that was
    /// never used before: the depot is emptied first.
    fn carve(&mut self, class: Class, count: usize, may_touch: bool, put: impl FnMut(NonNull<u8>)) -> usize;

    /// Takes blocks of `class` back. Who knows them together may have less to do than with each.
    ///
    /// # Safety
    /// - They came from [`carve`](Self::carve), or are such blocks as the owner of a thread's cache puts there.
    /// - Nobody uses them any more.
    unsafe fn take_back(&mut self, class: Class, blocks: impl Iterator<Item = NonNull<u8>>);

    /// Takes a block back that is larger than those of any class.
    ///
    /// # Safety
    /// - The owner of a thread's cache has put it there, and nobody uses it any more.
    unsafe fn take_back_large(&mut self, block: NonNull<u8>);

    /// Gives `bytes` of memory for a magazine, aligned to 8.
    fn allocate(&mut self, bytes: usize) -> Option<NonNull<u8>>;

    /// Takes back what [`allocate`](Self::allocate) gave.
    ///
    /// # Safety
    /// - Nobody uses it any more.
    unsafe fn release(&mut self, memory: NonNull<u8>);

    /// Notes `address` in a word of the memory of `block`, for a chain of the depot.
    ///
    /// # Safety
    /// - It is a block as for [`take_back`](Self::take_back), which has that many words behind its header of one, and nobody uses
    ///   it.
    unsafe fn note(&mut self, block: NonNull<u8>, word: usize, address: Option<NonNull<u8>>);

    /// What [`note`](Self::note) wrote there. If somebody else has written there since, this does not return. Only in word 0
    /// it may be nothing.
    ///
    /// # Safety
    /// - As for [`note`](Self::note), and it was written.
    unsafe fn noted(&self, block: NonNull<u8>, word: usize) -> Option<NonNull<u8>>;

    /// Gives what was [noted](Self::noted) in these words to `put`, the last one first. Word 0 is not among them. Who overrides this
    /// has less to do for many than for each.
    ///
    /// # Safety
    /// - As for [`noted`](Self::noted).
    unsafe fn noted_all(&self, holder: NonNull<u8>, words: Range<usize>, mut put: impl FnMut(NonNull<u8>)) {
        for word in words.rev() {
            // SAFETY: the caller vouches for the words.
            unsafe { self.noted(holder, word) }.into_iter().for_each(&mut put);
        }
    }

    /// Words of `block` will be read soon, this one first; the word behind its last is the next block's header. A hint.
    fn prefetch(&self, block: NonNull<u8>, word: usize) {
        let _ = (block, word);
    }

    /// How many bytes the cache of one thread may be made to hold.
    fn thread_limit(&self) -> usize;

    /// Whether visits to the depot are dear, because threads wait for each other there. Then a thread may keep several full
    /// magazines of each class; else one, which is better for what is close to the processor.
    fn is_shared(&self) -> bool;

    /// How many bytes the depot may be made to hold by blocks that are freed, while memory is not
    /// [plenty](Self::is_plenty). What a thread leaves comes on top, until the depot is [drained](crate::Depot::drain).
    fn depot_limit(&self) -> usize;

    /// How many bytes the depot may hold at all: as many as there are, if all come from this supplier. (What came from another one would
    /// not make memory any less [plenty](Self::is_plenty) here.)
    fn depot_most(&self) -> usize {
        usize::MAX
    }

    /// Whether so much memory is free that what is freed may as well be kept in the depot.
    fn is_plenty(&self) -> bool;
}

//! A supplier that does next to nothing.

use std::num::NonZero;
use std::ptr::NonNull;

use snugfit_cache::{Class, Supplier};
use snugfit_tag::GRANULE;

/// Blocks are numbered addresses where no memory is: a cache does not look. There is always another one, and those that
/// come back are forgotten. Memory for magazines is real, and what comes back is given out again.
pub(crate) struct Numbers {
    last: NonZero<usize>,
    spare: Vec<NonNull<u8>>,
    /// How many bytes the depot may hold.
    pub(crate) depot_limit: usize,
    /// Whether the threads are many.
    pub(crate) is_shared: bool,
}

/// What the cache of a thread may hold: as in the allocator of a process with a small heap.
const THREAD_LIMIT: usize = 256 << 10;

impl Numbers {
    pub(crate) const fn new() -> Self {
        Self { last: NonZero::<usize>::MIN, spare: Vec::new(), depot_limit: usize::MAX, is_shared: false }
    }

    /// A block that was not given out yet.
    #[inline]
    pub(crate) fn block(&mut self) -> NonNull<u8> {
        self.last = self.last.saturating_add(GRANULE);
        NonNull::without_provenance(self.last)
    }
}

// SAFETY: numbers rise, so no block comes twice, and nobody takes them for memory; each magazine is an allocation of its own.
unsafe impl Supplier for Numbers {
    fn carve(
        &mut self,
        _class: Class,
        count: usize,
        _may_touch: bool,
        mut put: impl FnMut(NonNull<u8>),
    ) -> usize {
        (0..count).for_each(|_| put(self.block()));
        count
    }

    unsafe fn take_back(&mut self, _class: Class, blocks: impl Iterator<Item = NonNull<u8>>) {
        blocks.for_each(drop);
    }

    unsafe fn take_back_large(&mut self, _block: NonNull<u8>) {}

    fn allocate(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        // All magazines are of one size. The memory stays for as long as the benchmark runs.
        let new = || NonNull::from(Box::leak(vec![0_u64; bytes.div_ceil(8)].into_boxed_slice())).cast();
        Some(self.spare.pop().unwrap_or_else(new))
    }

    unsafe fn release(&mut self, memory: NonNull<u8>) {
        self.spare.push(memory);
    }

    unsafe fn note(&mut self, _block: NonNull<u8>, _word: usize, _address: Option<NonNull<u8>>) {
        unreachable!("memory is never plenty, so nothing is chained");
    }

    unsafe fn noted(&self, _block: NonNull<u8>, _word: usize) -> Option<NonNull<u8>> {
        unreachable!("memory is never plenty, so nothing is chained");
    }

    fn thread_limit(&self) -> usize {
        THREAD_LIMIT
    }

    fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn depot_limit(&self) -> usize {
        self.depot_limit
    }

    fn is_plenty(&self) -> bool {
        false
    }
}

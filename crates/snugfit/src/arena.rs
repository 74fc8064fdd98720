//! An arena: a heap, and the depot in front of it.

use core::ptr::NonNull;

use snugfit_cache::{Class, Depot, ThreadCache};
use snugfit_heap::{BadPointer, Heap};
use snugfit_tag::{GRANULE, Key};

use crate::behind::{Behind, free_cached};
use crate::finding::FoundBlock;
use crate::idle::Idle;
use crate::local::{self, Cache};
use crate::state::{Index, Memory, Request, Resized};
use crate::strays::Strays;
use crate::{threshold, zone};

/// What one lock guards: a heap, and what the caches of its threads share.
pub(crate) struct Arena {
    /// Which it is.
    pub(crate) number: usize,
    pub(crate) heap: Heap<Memory, Index>,
    pub(crate) depot: Depot,
    /// Bytes of the magazines that its caches took, without those that they gave back, wherever they had them from.
    pub(crate) magazines: isize,
    pub(crate) idle: Idle,
    /// Blocks of other arenas that are to go there.
    pub(crate) strays: Strays,
}

/// Another arena uses what is free in one if that is more than this fraction of its heap,
const SPARE_FRACTION: usize = 4;
/// and more than this many bytes.
const SPARE_LEAST: usize = 128 << 10;

/// What a thread may keep above the classes: this fraction of what the heap has in use,
const RECENT_FRACTION: usize = 64;
/// but at least
pub(crate) const RECENT_LEAST: usize = 64 << 10;
/// and at most so many bytes.
const RECENT_MOST: usize = 512 << 10;

impl Arena {
    /// Nothing yet.
    pub(crate) const fn new(number: usize, memory: Memory, key: Key) -> Self {
        Self {
            number,
            heap: Heap::new(memory, key),
            depot: Depot::new(),
            magazines: 0,
            idle: Idle::NEW,
            strays: Strays::NONE,
        }
    }

    /// The depot, and what is behind it.
    pub(crate) fn parts(&mut self) -> (&mut Depot, Behind<'_>) {
        let behind = Behind {
            number: self.number,
            heap: &mut self.heap,
            magazines: &mut self.magazines,
            strays: &mut self.strays,
        };
        (&mut self.depot, behind)
    }

    /// Allocates from the heap.
    pub(crate) fn allocate(&mut self, request: Request) -> Option<NonNull<u8>> {
        self.allocate_old(request).or_else(|| self.allocate_anew(request))
    }

    /// [`allocate`](Self::allocate) for when [`allocate_old`](Self::allocate_old) has found nothing: the heap may grow.
    pub(crate) fn allocate_anew(&mut self, request: Request) -> Option<NonNull<u8>> {
        let Request { size, align, zeroed, .. } = request;
        let payload = match (align <= GRANULE, zeroed) {
            (true, true) => self.heap.allocate_zeroed(size),
            (true, false) => self.heap.allocate(size),
            (false, _) => self.allocate_aligned(size, align).inspect(|&payload| {
                if zeroed {
                    clear(payload, size);
                }
            }),
        }?;
        self.note_rise();
        Some(payload)
    }

    /// [`allocate`](Self::allocate) in memory that was used before. `None` as well if more than the usual alignment is asked for.
    pub(crate) fn allocate_old(&mut self, request: Request) -> Option<NonNull<u8>> {
        if request.align > GRANULE {
            return None;
        }
        let payload = self.allocate_touched(request.size)?;
        if request.zeroed {
            clear(payload, request.size);
        }
        Some(payload)
    }

    /// Allocates in memory that was used before, that of the depot and of this thread's cache included. Aligned as usual.
    #[inline(always)]
    pub(crate) fn allocate_touched(&mut self, size: usize) -> Option<NonNull<u8>> {
        let payload = match self.heap.allocate_touched(size) {
            None => self.allocate_relieved(size)?,
            Some(payload) => payload,
        };
        self.note_rise();
        Some(payload)
    }

    #[cold]
    #[inline(never)]
    fn allocate_relieved(&mut self, size: usize) -> Option<NonNull<u8>> {
        if self.relieve() { self.heap.allocate_touched(size) } else { None }
    }

    fn allocate_aligned(&mut self, size: usize, align: usize) -> Option<NonNull<u8>> {
        if !self.heap.fits(size.saturating_add(align)) {
            self.relieve();
        }
        self.heap.allocate_aligned(size, align)
    }

    /// Frees a block of the heap. Of a sized free the size is checked.
    ///
    /// # Safety
    /// - The header lies in memory of the heap.
    /// - If `payload` is a live block, nobody uses it any more.
    #[inline(always)]
    pub(crate) unsafe fn free(
        &mut self,
        payload: NonNull<u8>,
        size: Option<usize>,
    ) -> Result<(), BadPointer> {
        // SAFETY: the caller vouches for the header and the block.
        unsafe {
            match size {
                Some(size) => self.heap.deallocate_sized(payload, size)?,
                None => self.heap.deallocate(payload)?,
            }
        }
        self.note_fall();
        Ok(())
    }

    /// Resizes a block of the heap where it is. Returns what became of it, and how many usable bytes it had.
    pub(crate) fn resize(
        &mut self,
        payload: NonNull<u8>,
        size: usize,
    ) -> Result<(Resized, usize), BadPointer> {
        // SAFETY: the header lies in a page of the heap.
        let usable = unsafe { self.heap.usable_size(payload) }?;
        // A block that outgrows the threshold will grow on, most probably, and does so best as a mapping.
        let leaves = size > usable && threshold::is_direct(size);
        // SAFETY: as above.
        if leaves || !unsafe { self.heap.resize_in_place(payload, size) }? {
            return Ok((Resized::Move(usable), usable));
        }
        Ok((Resized::Done(payload), usable))
    }

    /// Sees to it that what lies in the depot, and in this thread's cache, is used before memory that was never used. Returns
    /// whether the heap got any.
    #[cold]
    fn relieve(&mut self) -> bool {
        let (depot, mut behind) = self.parts();
        match local::cache() {
            Cache::Owned(owned) if owned.arena == behind.number => owned.cache.relieve(depot, &mut behind),
            _ => depot.relieve(&mut behind),
        }
    }

    /// Frees a block that a thread has kept above the classes, and says how much it may keep from now on, in bytes.
    ///
    /// # Safety
    /// - It is a cached block of this arena, and nobody uses it.
    pub(crate) unsafe fn free_recent(&mut self, payload: NonNull<u8>) -> usize {
        // SAFETY: the caller vouches for it.
        unsafe { free_cached(&mut self.heap, payload) };
        self.note_fall();
        (self.heap.bytes_in_use() / RECENT_FRACTION).clamp(RECENT_LEAST, RECENT_MOST)
    }

    /// A block for a cache that has none; without memory that was never used, unless it may.
    pub(crate) fn refill(
        &mut self,
        cache: &ThreadCache,
        class: Class,
        may_touch: bool,
    ) -> Option<NonNull<u8>> {
        let (depot, mut behind) = self.parts();
        let mut block = cache.refill(class, depot, &mut behind);
        if block.is_none() && may_touch {
            block = cache.carve(class, true, &mut behind);
        }
        self.note_rise();
        block
    }

    /// A block for a cache that has none, after [`refill`](Self::refill) has found none in memory that was used before.
    pub(crate) fn carve(&mut self, cache: &ThreadCache, class: Class) -> Option<NonNull<u8>> {
        let (_, mut behind) = self.parts();
        let block = cache.carve(class, true, &mut behind);
        self.note_rise();
        block
    }

    /// Whether so much of the heap is free, or in the depot, that another arena had better use it before it grows.
    pub(crate) fn has_spare(&self) -> bool {
        let footprint = self.heap.footprint();
        !zone::is_apart(self.number, footprint)
            && (footprint + self.depot.bytes()).saturating_sub(self.heap.bytes_in_use())
                > (footprint / SPARE_FRACTION).max(SPARE_LEAST)
    }

    /// Room for a block in a cache that has none. False if there is no memory.
    pub(crate) fn make_room(&mut self, cache: &ThreadCache, class: Class) -> bool {
        let (depot, mut behind) = self.parts();
        let made = cache.make_room(class, depot, &mut behind);
        if !self.is_falling() {
            return made;
        }
        // The program gives up much: so does its thread.
        self.take_in(cache);
        self.tidy();
        let (depot, mut behind) = self.parts();
        cache.make_room(class, depot, &mut behind)
    }

    /// Takes what this thread keeps above the classes, if it uses this arena.
    pub(crate) fn take_recent(&mut self) {
        let (_, mut behind) = self.parts();
        if let Cache::Owned(owned) = local::cache()
            && owned.arena == behind.number
        {
            owned.cache.recent().give_back(&mut behind);
        }
    }

    /// Takes all that is in a cache.
    pub(crate) fn take_in(&mut self, cache: &ThreadCache) {
        let (depot, mut behind) = self.parts();
        cache.leave(depot, &mut behind);
    }

    /// What is known of the block that `address` lies in.
    #[cold]
    pub(crate) fn block_near(&self, address: usize) -> Option<FoundBlock> {
        self.heap.block_near(address).and_then(FoundBlock::of)
    }
}

/// Clears a block that was just allocated for `size` bytes.
pub(crate) fn clear(payload: NonNull<u8>, size: usize) {
    // SAFETY: the payload has that many bytes, and nobody else knows it.
    unsafe { payload.write_bytes(0, size) };
}
